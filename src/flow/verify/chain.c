/* I8: the audit chain, which is of the store as a whole and of no pipeline. */
#include "flow/verify/verify.h"

int verify_audit(struct db *db, struct arena *a, const struct audit_evidence *evidence,
                 struct verified *io, struct err *err) {
    struct audit_checked checked;
    if (audit_check(db, a, evidence, &checked, err) < 0) {
        return err_wrap(err, "audit");
    }
    io->audited = checked.rows;
    for (size_t i = 0; i < checked.findings.n; i++) {
        *arena_push(a, &io->findings) = (struct finding){
            .invariant = 8,
            .text = checked.findings.v[i].text,
        };
    }
    return 0;
}
