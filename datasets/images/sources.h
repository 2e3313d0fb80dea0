#pragma once
// The sources that need zlib, libpng or libjpeg: lacuna::images. Where that is not built, absent/images.cpp stands in.
#include <memory>

#include "../../core/batch.h"
#include "../bags.h"

namespace lacuna {

/// CIFAR-10's binary version (Krizhevsky 2009): records of one label byte and 3,072 pixel bytes (planes R, G, B of
/// 32x32), here as "image" (32, 32, 3) u8 and "label" () i64. `place` is the folder of the .bin files, or one that
/// holds cifar-10-batches-bin, or the official .tar.gz. Train is every data_batch_N.bin there is, in order of N; test
/// is test_batch.bin. A file has any whole number of records. All of it is held in memory.
std::unique_ptr<Source> open_cifar10(const std::string& place, bool train);

/// MNIST's idx files (LeCun, Cortes, Burges), plain or .gz: "image" (H, W, 1) u8 and "label" () i64, held in memory.
std::unique_ptr<Source> open_idx(const std::string& place, bool train);

struct ImageFolderOptions {
  std::int64_t size = 0;      // square side to resize and crop to; 0: as they are
  std::int64_t channels = 0;  // 1 or 3; 0: 1 where every image is grey, else 3
};

/// PNG and JPEG files: "image" (H, W, C) u8, and "label" () i64 where each class has a folder. Files are read when
/// asked for.
std::unique_ptr<Source> open_image_folder(const std::string& place,
                                          const ImageFolderOptions& options);

struct BagFiles {
  std::unique_ptr<Source>
      pictures;  // as open_image_folder(): "image", and "label" where there are any
  Bags bags;     // of them
};

/// Bags of PNG and JPEG files. `place` is a folder with one folder a patient, in which lie pictures, one bag, or a folder a bag; or
/// a table, values between tabs below a header, with the columns
///   bag, path    of each picture; a path is as seen from the table's folder
///   patient      if there: whose bag it is; else each bag is a patient of its own
///   label        if there: on all lines, or on none. Bags with pictures of two labels are taken and told of (Source::left_out)
/// `test` is the share of the patients, the last ones, that are held out from train and are the test split; 0: both are all
/// of them. Errors name the file and the line.
BagFiles open_bag_files(const std::string& place, const ImageFolderOptions& options, bool train,
                        double test);

}  // namespace lacuna
