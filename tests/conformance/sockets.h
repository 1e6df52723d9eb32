/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFORMANCE_SOCKETS_H
#define CONFORMANCE_SOCKETS_H

#include "pair.h"

extern const struct test_case creation_cases[];
extern const struct test_case name_cases[];
extern const struct test_case option_cases[];
extern const struct test_case value_cases[];
extern const struct test_case more_cases[];
extern const struct test_case stream_cases[];
extern const struct test_case ending_cases[];
extern const struct test_case datagram_cases[];
extern const struct test_case control_cases[];
extern const struct test_case descriptor_cases[];
extern const struct test_case blocking_cases[];
extern const struct test_case filter_cases[];
extern const struct test_case group_cases[];

#endif
