#pragma once
// 3x3 convolutions of f32 images on cpu in fewer multiplications: Winograd's minimal filtering, F(4x4, 3x3) (Lavin and Gray 2015).

namespace lacuna {

/// Whether conv2d on cpu may multiply tiles of 6x6 transformed pixels, 36 multiplications for 4x4 results of a 3x3 kernel in
/// place of 144, where that pays (stride and dilation 1, no groups, channels in whole vectors, enough tiles). On at first; one
/// setting for the process. With it the three results of conv2d are within 4e-5 of their root mean square of what f64 gives,
/// without it within 4e-6 (both for sums of up to 4,608 terms of unit variance); f64 never uses it.
void set_winograd(bool on);
bool winograd();

}  // namespace lacuna
