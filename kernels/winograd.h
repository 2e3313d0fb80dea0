#pragma once
// 3x3 convolutions of f32 images on cpu in fewer multiplications: Winograd's minimal filtering, F(4x4, 3x3) (Lavin and Gray 2015).

namespace lacuna {

/// Whether conv2d on cpu may multiply tiles of 6x6 transformed pixels, 36 multiplications for 4x4 results of a 3x3 kernel in
/// place of 144, where that pays (stride and dilation 1, no groups, channels in whole vectors, enough tiles). On at first; one
/// setting for the process. Sums of 576 and 4,608 terms are then within 6e-6 and 2e-5 of the results' root mean square, direct
/// ones within 4e-6 and 1e-5 (random numbers: tests/kernels/conv2d.cpp); f64 never uses it.
void set_winograd(bool on);
bool winograd();

}  // namespace lacuna
