# Install rules and the CMake package: find_package(lacuna COMPONENTS nn) gives lacuna::nn and what is below it, with
# headers as <lacuna/nn/module.h>. Each floor is an export set of its own, so that a consumer of one looks for no more
# libraries than that one needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(LACUNA_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/lacuna)
set(LACUNA_COMPONENTS)
foreach(floor kernels core nn ssl images text datasets)  # each after those that it needs
  if(NOT TARGET lacuna_${floor})
    continue()
  endif()
  list(APPEND LACUNA_COMPONENTS ${floor})
  install(TARGETS lacuna_${floor} EXPORT lacuna-${floor} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT lacuna-${floor} NAMESPACE lacuna:: DESTINATION ${LACUNA_PACKAGE_DIR})
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${floor})  # images and text are folders of datasets
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${floor}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lacuna/${floor}
      FILES_MATCHING PATTERN "*.h" PATTERN "*.def"
      PATTERN cuda EXCLUDE PATTERN emu EXCLUDE PATTERN absent EXCLUDE)
  endif()
endforeach()

if(TARGET lacuna)
  install(TARGETS lacuna)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/lacuna-config.cmake.in ${PROJECT_BINARY_DIR}/lacuna-config.cmake
  INSTALL_DESTINATION ${LACUNA_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lacuna-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lacuna-config.cmake ${PROJECT_BINARY_DIR}/lacuna-config-version.cmake
  ${CMAKE_CURRENT_LIST_DIR}/LacunaHighway.cmake ${CMAKE_CURRENT_LIST_DIR}/LacunaText.cmake DESTINATION ${LACUNA_PACKAGE_DIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
