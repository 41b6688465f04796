/* Implementation of platform/os/title.h: the arguments are memory of the process, and the kernel
 * shows what is in it. */
#include "platform/os/title.h"

#include "base/arena.h"
#include "platform/os/file.h"

#include <stdint.h>

enum { ARG_START = 48, ARG_END = 49 }; /* fields of /proc/PID/stat */

/* The room of the arguments; NULL when the kernel does not say. */
static char *find_room(char **ret_end) {
    struct arena a = ARENA_INIT;
    struct err ignored = ERR_INIT;
    struct str text = STR_NONE;
    struct str field = STR_NONE;
    unsigned long long at[2] = {0, 0};
    if (file_read(&a, "/proc/self/stat", 4096, &text, &ignored) == 0) {
        size_t paren = str_rfind_c(text, ')');
        struct str rest =
            paren == (size_t)-1 ? STR_NONE : str_trim(str_sub(text, paren + 1, text.n));
        for (int number = 3; number <= ARG_END && str_cut(&rest, ' ', &field); number++) {
            if (number >= ARG_START && !str_to_u64(field, &at[number - ARG_START])) {
                at[0] = at[1] = 0;
                break;
            }
        }
    }
    arena_done(&a);
    *ret_end = (char *)(uintptr_t)at[1];
    return at[0] != 0 && at[1] > at[0] ? (char *)(uintptr_t)at[0] : NULL;
}

void process_title(const char *const *words) {
    char *end = NULL;
    char *at = find_room(&end);
    if (at == NULL) {
        return;
    }
    at += strnlen(at, (size_t)(end - at - 1)) + 1; /* the name stays */
    for (size_t i = 0; words[i] != NULL && at < end; i++) {
        size_t room = (size_t)(end - at) - 1; /* the last byte is always NUL */
        size_t n = strnlen(words[i], room);
        memcpy(at, words[i], n);
        at[n] = '\0';
        at += n + 1;
    }
    if (at < end) {
        memset(at, 0, (size_t)(end - at));
    }
}
