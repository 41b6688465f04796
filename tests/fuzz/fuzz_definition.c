/*
 * What callers define. First byte '{': a pipeline's structure; whatever it says, it is taken apart
 * and checked, and what is refused has a reason. Else: a cron expression of a deployment window, a
 * line end, and a time zone; an expression that is taken matches the same minute whatever its
 * second.
 */
#include "fuzz.h"

#include "flow/definition/definition.h"
#include "flow/definition/quartz.h"
#include "platform/os/zone.h"

static void structure(struct arena *a, struct str json) {
    struct definition d;
    struct err err = ERR_INIT;
    enum def_fault fault = DEF_FAULT_NONE;
    if (definition_parse(a, json, &d, &err) < 0) {
        FUZZ_MUST(err.msg[0] != '\0');
        return;
    }
    int result = definition_check(&d, S("eu-west-2"), &fault, &err);
    FUZZ_MUST((result < 0) == (fault != DEF_FAULT_NONE));
    FUZZ_MUST(result == 0 || err.msg[0] != '\0');
    FUZZ_MUST(result < 0 || d.stages.n >= 2);
}

static void window(struct arena *a, struct str text) {
    static const int64_t times[] = {0, 951782400, 1709164800, 1795485120, 4102444800};
    struct str cron = STR_NONE;
    struct quartz q;
    struct err err = ERR_INIT;
    int ahead = 0;
    str_cut(&text, '\n', &cron);
    bool good = quartz_parse(cron, &q, &err) == 0;
    FUZZ_MUST(good || err.msg[0] != '\0');
    for (size_t i = 0; good && i < sizeof(times) / sizeof(times[0]); i++) {
        FUZZ_MUST(quartz_matches(&q, times[i]) == quartz_matches(&q, times[i] + 59));
    }
    if (text.p != NULL && zone_offset(a, text, 1795485120, &ahead, &err) == 0) {
        FUZZ_MUST(ahead > -86400 && ahead < 86400);
    }
    (void)!zone_rule_offset(text.p != NULL ? text : S(""), 1795485120, &ahead);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct str input = fuzz_str(data, size);
    if (size > 0 && data[0] == '{') {
        structure(&a, input);
    } else {
        window(&a, input);
    }
    arena_done(&a);
    return 0;
}
