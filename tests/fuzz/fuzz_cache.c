/* Taking a cache apart: whatever its list of links says, nothing is placed outside the paths, and
 * no folder of this machine lies outside its project's. Layout: a line with the path, a line with
 * another, then the list. */
#include "fuzz.h"

#include "flow/artifact/match.h"
#include "flow/cache/content.h"
#include "flow/cache/local.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <fcntl.h>

static void say(void *ud, struct str line) {
    (void)ud;
    FUZZ_MUST(line.p != NULL);
}

static bool goes_up(struct str path) {
    struct str part = STR_NONE;
    while (str_cut(&path, '/', &part)) {
        if (str_is(part, "..")) {
            return true;
        }
    }
    return false;
}

static void check(struct str list) {
    while (list.n > 0) {
        struct str from = STR_NONE;
        struct str to = STR_NONE;
        FUZZ_MUST(str_cut(&list, '\0', &from) && str_cut(&list, '\0', &to));
        FUZZ_MUST(from.n > 0 && (from.p[0] == 'f' || from.p[0] == 'l'));
        FUZZ_MUST(str_starts(to, S("/")) && !goes_up(to));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int root = -2;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str rest = fuzz_str(data, size);
    struct str_list paths = {0};
    struct str line = STR_NONE;
    if (root == -2) { /* a container without a stage: only links can be placed */
        const char *dir = NULL;
        FUZZ_MUST(dir_make_temp(&a, "fuzz-cache", &dir, &err) == 0);
        root = file_open(dir, O_RDONLY | O_DIRECTORY, 0, &err);
        FUZZ_MUST(root >= 0 && tree_remove(dir, &err) == 0);
    }
    for (unsigned i = 0; i < 2 && str_cut(&rest, '\n', &line); i++) {
        *arena_push(&a, &paths) = line;
        struct str folder = cache_local_folder(&a, line, S("/src"));
        FUZZ_MUST(folder.p == NULL || (str_starts(folder, S("/")) && !goes_up(folder)));
    }
    struct cache_content content = {root, S("/src"), &paths, say, NULL};
    struct str list = STR_NONE;
    size_t files = 0;
    struct str links = rest.p != NULL ? rest : S("");
    if (cache_placement(&a, &content, S("/stage"), links, &list, &files, &err) == 0) {
        check(list);
    }
    arena_done(&a);
    return 0;
}
