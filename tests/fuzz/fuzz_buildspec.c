/*
 * Buildspecs: any bytes give a buildspec or an error with a place, and what lint says of it. What
 * --fix makes of it is no worse: no further errors, and mending it again changes nothing.
 */
#include "fuzz.h"

#include "flow/phase/lint_fix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct buildspec spec;
    struct err err = ERR_INIT;
    struct str text = fuzz_str(data, size);
    FUZZ_MUST(lint_buildspec(&a, "buildspec.yml", text, &spec, &err) == 0);
    for (size_t i = 0; i < spec.errors.n; i++) {
        FUZZ_MUST(spec.errors.v[i].line > 0 && spec.errors.v[i].column > 0 &&
                  spec.errors.v[i].text.n > 0);
    }
    for (size_t i = 0; i < spec.warnings.n; i++) {
        FUZZ_MUST(spec.warnings.v[i].line > 0 && spec.warnings.v[i].text.n > 0);
    }
    json_t *json cleanup_json = lint_json("buildspec.yml", &spec);
    FUZZ_MUST(json != NULL);
    if (spec.errors.n == 0) {
        FUZZ_MUST(batch_expand(&a, &spec.batch).n <= BATCH_MAX_TASKS);
    }
    struct str mended;
    struct str again;
    struct lint_fixes fixes;
    if (size < 4096) {
        struct buildspec after;
        FUZZ_MUST(lint_fix(&a, "buildspec.yml", text, &mended, &fixes, &err) == 0 &&
                  lint_buildspec(&a, "buildspec.yml", mended, &after, &err) == 0);
        bool was_yaml = spec.root != NULL;
        FUZZ_MUST(!was_yaml || after.errors.n <= spec.errors.n);
        FUZZ_MUST(
            fixes.n == LINT_MAX_FIXES ||
            (lint_fix(&a, "buildspec.yml", mended, &again, &fixes, &err) == 0 && fixes.n == 0));
    }
    arena_done(&a);
    return 0;
}
