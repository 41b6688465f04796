/* Buildspecs: any bytes give a buildspec or an error with a place. */
#include "fuzz.h"

#include "flow/phase/buildspec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct buildspec spec;
    struct err err = ERR_INIT;
    if (buildspec_read(&a, "buildspec.yml", fuzz_str(data, size), &spec, &err) < 0) {
        FUZZ_MUST(err.msg[0] != '\0');
    }
    arena_done(&a);
    return 0;
}
