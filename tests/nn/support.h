#pragma once
#include <gtest/gtest.h>

#include <string>

#include "../../kernels/error.h"

/// The statement throws a lacuna::Error whose text contains `part`.
#define EXPECT_THROWS_WITH(statement, part)                           \
  do {                                                                \
    std::string got_ = "no error";                                    \
    try {                                                             \
      static_cast<void>(statement);                                   \
    } catch (const ::lacuna::Error& e) {                              \
      got_ = e.what();                                                \
    }                                                                 \
    EXPECT_NE(got_.find(part), std::string::npos) << "got: " << got_; \
  } while (0)
