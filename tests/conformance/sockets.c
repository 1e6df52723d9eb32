/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: what works, what fails and with which error, and what the options say. */
#include "sockets.h"

int main(int argc, char **argv)
{
    static const struct test_case *const groups[] = {
        creation_cases, name_cases,     option_cases,     value_cases,      more_cases,
        stream_cases,
        ending_cases,   datagram_cases, control_cases,    descriptor_cases,
        blocking_cases, filter_cases, group_cases,
        NULL,
    };

    return run_cases(argc, argv, groups);
}
