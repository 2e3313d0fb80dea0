# The imported target lacuna::utf8proc. Included by the build, and by the installed package.
find_path(UTF8PROC_INCLUDE_DIR utf8proc.h REQUIRED)
find_library(UTF8PROC_LIBRARY utf8proc REQUIRED)
mark_as_advanced(UTF8PROC_INCLUDE_DIR UTF8PROC_LIBRARY)
if(NOT TARGET lacuna::utf8proc)
  add_library(lacuna::utf8proc UNKNOWN IMPORTED)
  set_target_properties(lacuna::utf8proc PROPERTIES IMPORTED_LOCATION ${UTF8PROC_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${UTF8PROC_INCLUDE_DIR})
endif()
