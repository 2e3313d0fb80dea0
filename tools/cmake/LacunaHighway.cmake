# The imported target lacuna::hwy, Google Highway. Included by the build, and by the installed package.
find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
find_library(HWY_LIBRARY hwy REQUIRED)
mark_as_advanced(HWY_INCLUDE_DIR HWY_LIBRARY)
if(NOT TARGET lacuna::hwy)
  add_library(lacuna::hwy UNKNOWN IMPORTED)
  set_target_properties(lacuna::hwy PROPERTIES IMPORTED_LOCATION ${HWY_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${HWY_INCLUDE_DIR})
endif()
