/*
 * A report's data as bytes, between the process that reads it and the one that asked: plain fields,
 * so that who takes it need not trust who made it. Every length, number and status is checked.
 */
#pragma once

#include "base/buf.h"
#include "flow/report/report.h"

enum {
    REPORT_MAX_COMPLAINTS = 10,
    REPORT_PACKED_MAX = 96 * 1024 * 1024, /* what the bounds of report.h can come to */
};

void report_pack(struct buf *out, const struct report_data *data,
                 const struct report_complaints *bad);

/* Strings point into `bytes`. ERR_INVALID when it is not what report_pack makes. */
int report_unpack(struct arena *a, struct str bytes, enum report_kind kind, struct report_data *ret,
                  struct report_complaints *ret_bad, struct err *err) MUST_USE;
