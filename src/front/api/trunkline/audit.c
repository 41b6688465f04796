/* ListAuditRecords: who did what in the caller's account, newest first. */
#include "front/api/trunkline/trunkline.h"

#include "platform/crypto/encode.h"
#include "runtime/audit/audit.h"

enum { RECORDS_SHOWN = 100 };

static struct trunkline_audit_record record_of(struct arena *a, const struct audit_row *row) {
    const struct audit_act *t = &row->act;
    return (struct trunkline_audit_record){
        .sequence = row->seq,
        .has_sequence = true,
        .time = t->at_ms,
        .has_time = true,
        .principal = t->principal,
        .source = t->source,
        .operation = t->operation,
        .resource = t->resource,
        .outcome = t->outcome,
        .request_id = t->request_id,
        .detail = t->detail,
        .request_digest = t->digest.p != NULL ? hex_encode(a, t->digest) : STR_NONE,
        .hash = hex_encode(a, row->hash),
    };
}

int trunkline_list_audit_records(struct call *c,
                                 const struct trunkline_list_audit_records_input *in,
                                 struct trunkline_list_audit_records_output *out, struct err *err) {
    struct audit_row_list list;
    struct audit_head head;
    const struct audit_filter filter = {
        .account = c->account,
        .since_ms = in->has_since ? in->since : 0,
        .before_seq = in->has_before ? in->before : 0,
        .limit = in->has_max_results ? in->max_results : RECORDS_SHOWN,
    };
    if (audit_list(c->db, c->arena, &filter, &list, err) < 0 ||
        audit_newest(c->db, &head, err) < 0) {
        return -1;
    }
    out->records.v = arena_new_n(c->arena, struct trunkline_audit_record, list.n + 1);
    out->records.n = list.n;
    for (size_t i = 0; i < list.n; i++) {
        out->records.v[i] = record_of(c->arena, &list.v[i]);
    }
    out->head = audit_head_text(c->arena, &head);
    return 0;
}
