#pragma once
// Recordings as CUDA graphs (kernels/backend.h, Recording), and the stream that work goes to.
#include <cuda_runtime_api.h>

#include "../array.h"

namespace lacuna::cuda {

void begin_recording(int index);
void* end_recording();
void replay(void* graph);
void release_graph(void* graph);

bool recording();
/// The stream itself; for none, this thread's recording or else the device's default stream.
cudaStream_t stream_of(Stream stream);

}  // namespace lacuna::cuda
