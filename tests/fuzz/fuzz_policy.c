/* IAM policies: parsed for each use and evaluated for one request. A document and its own text are
 * the same policy. */
#include "fuzz.h"

#include "services/iam/policy.h"

static bool value(void *ud, struct str key, struct str_list *ret) {
    (void)key;
    *ret = (struct str_list){ud, 1};
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct str one = S("10.0.0.1");
    struct policy_request r = {.action = S("ssm:GetParameter"),
                               .resource = S("arn:aws:ssm:eu-west-2:111111111111:parameter/a/b"),
                               .principal_arn = S("arn:aws:sts::111111111111:assumed-role/r/s"),
                               .principal_role = S("arn:aws:iam::111111111111:role/r"),
                               .principal_account = S("111111111111"),
                               .value = value,
                               .ud = &one,
                               .arena = &a};
    for (int use = POLICY_IDENTITY; use <= POLICY_TRUST; use++) {
        struct policy p;
        struct err err = ERR_INIT;
        if (policy_parse(&a, fuzz_str(data, size), (enum policy_use)use, &p, &err) == 0) {
            struct policy_result result = policy_evaluate(&p, &r);
            FUZZ_MUST(!result.deny || result.statement != NULL);
        } else {
            FUZZ_MUST(err.msg[0] != '\0');
        }
    }
    arena_done(&a);
    return 0;
}
