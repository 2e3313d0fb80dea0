# lacuna_floor(NAME sources... ) makes the static library lacuna_NAME, alias lacuna::NAME.
# Consumers in the build tree write #include <lacuna/core/tensor.h>: include/lacuna links to the sources.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include)
file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/include/lacuna SYMBOLIC)

function(lacuna_options target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>)  # g++ 12: false alarms on std::string
  if(CMAKE_UNITY_BUILD)  # a test's fixture may live in an anonymous namespace
    target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
  endif()
  if(LACUNA_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
  if(LACUNA_FUZZ)  # coverage for libFuzzer in every library
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=fuzzer-no-link>)
  endif()
  if(LACUNA_SANITIZE)
    target_compile_options(${target} PRIVATE
      # Without what costs a fifth of the compile time and what ASan or a crash finds, too.
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${LACUNA_SANITIZE} -fno-sanitize=null,object-size,vptr
      -fno-sanitize-recover=all -fno-omit-frame-pointer>)
    target_link_options(${target} PRIVATE -fsanitize=${LACUNA_SANITIZE})
  endif()
endfunction()

function(lacuna_floor name)
  add_library(lacuna_${name} STATIC ${ARGN})
  add_library(lacuna::${name} ALIAS lacuna_${name})
  set_target_properties(lacuna_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(lacuna_${name} PUBLIC cxx_std_20)
  target_include_directories(lacuna_${name} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:include>)
  lacuna_options(lacuna_${name})
endfunction()
