/* What lines of a log tell; run_hints.h. */
#include "front/cli/run_hints.h"

static const struct {
    const char *program, *package;
} packages[] = {
#define PROGRAM(name, package) {name, package},
#include "front/cli/programs.def"
#undef PROGRAM
};

const char *run_program_package(struct str program) {
    for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
        if (str_is(program, packages[i].program)) {
            return packages[i].package;
        }
    }
    return NULL;
}

/* A name as programs have it; nothing with a folder, which is a file of the source. */
static bool is_program(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("_.+-[", c) != NULL);
        if (!fine) {
            return false;
        }
    }
    return name.n > 0 && name.n <= 64;
}

/* What stands behind the last ": " of a text, without quotation marks around it. */
static struct str last_word(struct str text) {
    static const char *const marks[][2] = {{"'", "'"}, {"`", "'"}, {"\u2018", "\u2019"}};
    size_t colon = str_rfind_c(text, ':');
    struct str word = colon == (size_t)-1 ? STR_NONE : str_trim(str_sub(text, colon + 1, text.n));
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        struct str open = str_c(marks[i][0]);
        struct str close = str_c(marks[i][1]);
        if (word.n > open.n + close.n && str_starts(word, open) && str_ends(word, close)) {
            return str_sub(word, open.n, word.n - open.n - close.n);
        }
    }
    return word;
}

struct str run_missing_program(struct str line) {
    static const char *const endings[] = {": command not found", ": not found",
                                          ": No such file or directory"};
    line = str_trim(line);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        struct str ending = str_c(endings[i]);
        if (!str_ends(line, ending)) {
            continue;
        }
        struct str before = str_sub(line, 0, line.n - ending.n);
        /* Of files anybody may say so: of programs, env and make do. */
        bool file = i == 2 && !str_starts(before, S("make: ")) && !str_starts(before, S("env: ")) &&
                    str_find(before, S("/env: "), 0) == (size_t)-1;
        struct str word = file ? STR_NONE : last_word(before);
        return is_program(word) ? word : STR_NONE;
    }
    return STR_NONE;
}

/* "Egress refused: HOST (why)" and "Egress failed: HOST: GET URL: why", behind the time of the
 * line.
 */
static struct str refused_host(struct str line) {
    const struct str marks[] = {S("Egress refused: "), S("Egress failed: ")};
    for (size_t i = 0; i < 2 && str_starts(line, S("[Container] ")); i++) {
        size_t at = str_find(line, marks[i], 0);
        if (at != (size_t)-1) {
            return str_trim(str_sub(line, at + marks[i].n, line.n));
        }
    }
    return STR_NONE;
}

/* "E: Unable to locate package NAME", "E: Package 'NAME' has no installation candidate" */
static struct str unknown_package(struct str line) {
    const struct str marks[][2] = {{S("E: Unable to locate package "), S("")},
                                   {S("E: Package '"), S("' has no installation candidate")}};
    for (size_t i = 0; i < 2; i++) {
        size_t around = marks[i][0].n + marks[i][1].n;
        if (line.n > around && str_starts(line, marks[i][0]) && str_ends(line, marks[i][1])) {
            struct str name = str_sub(line, marks[i][0].n, line.n - around);
            return is_program(name) ? name : STR_NONE;
        }
    }
    return STR_NONE;
}

static void see_apt(struct arena *a, struct run_clues *clues, struct str line) {
    struct str package = unknown_package(str_trim(line));
    clues->apt_updated =
        clues->apt_updated || str_starts(line, S("Get:1 ")) || str_starts(line, S("Hit:1 "));
    if (package.n > 0 && clues->apt.n < RUN_CLUES_PACKAGES && !str_list_has(&clues->apt, package)) {
        *arena_push(a, &clues->apt) = str_dup(a, package);
    }
}

/* What stands between two marks; absent where they do not follow each other. */
static struct str between(struct str line, struct str from, struct str to) {
    size_t at = str_find(line, from, 0);
    if (at == (size_t)-1) {
        return STR_NONE;
    }
    size_t end = str_find(line, to, at + from.n);
    return end == (size_t)-1 ? STR_NONE : str_sub(line, at + from.n, end - at - from.n);
}

/* "User: arn:aws:sts::N:assumed-role/ROLE/SESSION is not authorized to perform: ACTION on resource:
 * ARN because no identity-based policy allows the ACTION action": the first one counts. */
static void see_denial(struct arena *a, struct run_clues *clues, struct str line) {
    struct str role = between(line, S(":assumed-role/"), S("/"));
    struct str action = between(line, S(" is not authorized to perform: "), S(" on resource: "));
    struct str resource = between(line, S(" on resource: "), S(" because no identity-based"));
    if (clues->denied_action.p == NULL && role.n > 0 && action.n > 0 && resource.n > 0 &&
        role.n <= 64 && action.n <= 128 && resource.n <= 1024) {
        clues->denied_role = str_dup(a, role);
        clues->denied_action = str_dup(a, action);
        clues->denied_resource = str_dup(a, resource);
    }
}

void run_clues_see(struct arena *a, struct run_clues *clues, struct str line) {
    struct str host = refused_host(line);
    if (host.n > 0 && host.n < 400 && clues->refused.n < RUN_CLUES_HOSTS &&
        !str_list_has(&clues->refused, host)) {
        *arena_push(a, &clues->refused) = str_dup(a, host);
    }
    see_apt(a, clues, line);
    see_denial(a, clues, line);
    clues->no_git = clues->no_git || str_find(line, S("not a git repository"), 0) != (size_t)-1;
}
