/* trunkline lint: errors and surprises of buildspecs, release.yml, accounts.yml and
 * pipeline structures. */
#include "front/cli/accounts_file.h"
#include "front/cli/out.h"

#include "flow/definition/definition.h"
#include "flow/definition/release_yml.h"
#include "flow/phase/lint.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <libgen.h>
#include <unistd.h>

enum { MAX_BYTES = 2 * 1024 * 1024 };

struct lint_result {
    bool valid;
    struct str text; /* lines for people */
    json_t *json;    /* owned by the caller */
};

static json_t *notes_json(const struct buildspec_notes *notes) {
    json_t *list = json_array();
    for (size_t i = 0; i < notes->n; i++) {
        json_t *note = json_object();
        json_set_str(note, "code", str_c(notes->v[i].code));
        json_set(note, "line", json_integer(notes->v[i].line));
        json_set(note, "column", json_integer(notes->v[i].column));
        json_set_str(note, "message", notes->v[i].text);
        json_array_append_new(list, note);
    }
    return list;
}

/* A failure of another kind of file: its message begins with FILE:LINE:COLUMN where it has a place.
 */
static void one_error(struct cli *c, const char *file, const struct err *why,
                      struct lint_result *ret) {
    unsigned line = 0, column = 0;
    const char *message = why->msg;
    size_t n = strlen(file);
    if (strncmp(message, file, n) == 0 && message[n] == ':') {
        struct str rest = str_c(message + n + 1);
        struct str part;
        unsigned long long number;
        if (str_cut(&rest, ':', &part) && str_to_u64(part, &number)) {
            line = (unsigned)number;
            if (str_cut(&rest, ':', &part) && str_to_u64(part, &number)) {
                column = (unsigned)number;
                message = str_z(&c->arena, str_trim(rest));
            }
        }
    }
    struct buildspec_notes errors = {0};
    *arena_push(&c->arena, &errors) = (struct buildspec_note){
        .code = "structure", .line = line, .column = column, .text = str_c(message)};
    ret->valid = false;
    ret->text = str_printf(&c->arena, "%s:%u:%u: error: %s\n", file, line, column, message);
    ret->json = json_object();
    json_set_str(ret->json, "file", str_c(file));
    json_set(ret->json, "valid", json_false());
    json_set(ret->json, "errors", notes_json(&errors));
    json_set(ret->json, "warnings", json_array());
}

static void no_error(const char *file, const char *kind, struct lint_result *ret) {
    *ret = (struct lint_result){.valid = true, .text = S(""), .json = json_object()};
    json_set_str(ret->json, "file", str_c(file));
    json_set(ret->json, "valid", json_true());
    json_set(ret->json, "errors", json_array());
    json_set(ret->json, "warnings", json_array());
    json_set_str(ret->json, "kind", str_c(kind));
}

static int lint_pipeline(struct cli *c, const char *file, struct str text,
                         struct lint_result *ret) {
    struct definition d;
    enum def_fault fault = DEF_FAULT_NONE;
    struct err why = ERR_INIT;
    if (definition_parse(&c->arena, text, &d, &why) < 0 || definition_check(&d, &fault, &why) < 0) {
        one_error(c, file, &why, ret);
    } else {
        no_error(file, "pipeline", ret);
    }
    return 0;
}

static int lint_release(struct cli *c, const char *file, struct str text, struct lint_result *ret) {
    struct release_yml release;
    struct err why = ERR_INIT;
    char *copy = (char *)str_z(&c->arena, str_c(file));
    if (release_yml_read(&c->arena, file, dirname(copy), text, &release, &why) < 0) {
        one_error(c, file, &why, ret);
    } else {
        no_error(file, "release", ret);
    }
    return 0;
}

static int lint_accounts(struct cli *c, const char *file, struct str text,
                         struct lint_result *ret) {
    struct accounts all;
    struct err why = ERR_INIT;
    char *copy = (char *)str_z(&c->arena, str_c(file));
    if (accounts_parse(&c->arena, file, dirname(copy), text, NULL, &all, &why) < 0) {
        one_error(c, file, &why, ret);
    } else {
        no_error(file, "accounts", ret);
    }
    return 0;
}

static bool is_accounts(struct cli *c, const char *file, struct str text) {
    struct yaml_doc doc;
    struct err err = ERR_INIT;
    return yaml_parse(&c->arena, file, text, &doc, &err) == 0 && yaml_get(doc.root, "accounts");
}

static int lint_one(struct cli *c, const char *file, struct lint_result *ret, struct err *err) {
    struct str text;
    int read = strcmp(file, "-") == 0 ? fd_read_all(&c->arena, STDIN_FILENO, MAX_BYTES, &text, err)
                                      : file_read(&c->arena, file, MAX_BYTES, &text, err);
    if (read < 0) {
        return -1;
    }
    struct str bare = str_trim(text);
    if (str_ends(str_c(file), S(".json")) && bare.n > 0 && bare.p[0] == '{') {
        return lint_pipeline(c, file, text, ret);
    }
    if (release_yml_is_one(&c->arena, file, text)) {
        return lint_release(c, file, text, ret);
    }
    if (is_accounts(c, file, text)) {
        return lint_accounts(c, file, text, ret);
    }
    struct buildspec spec;
    if (lint_buildspec(&c->arena, file, text, &spec, err) < 0) {
        return -1;
    }
    ret->valid = spec.errors.n == 0;
    ret->text = lint_text(&c->arena, file, &spec);
    ret->json = lint_json(file, &spec);
    return 0;
}

static int run(struct cli *c, struct err *err) {
    static const char *const usual[] = {"release.yml", "buildspec.yml"};
    const char *files[2];
    const char *const *list = c->args;
    size_t n = (size_t)c->args_n;
    if (n == 0) {
        for (size_t i = 0; i < 2; i++) {
            if (file_exists(usual[i])) {
                files[n++] = usual[i];
            }
        }
        list = files;
    }
    if (n == 0) {
        return cli_usage(c, "there is neither release.yml nor buildspec.yml here; name a file");
    }
    bool valid = true;
    json_t *all cleanup_json = json_array();
    for (size_t i = 0; i < n; i++) {
        struct lint_result one = {0};
        if (lint_one(c, list[i], &one, err) < 0) {
            return -1;
        }
        valid = valid && one.valid;
        json_array_append_new(all, one.json);
        if (!c->json) {
            fprintf(c->out, STR_FMT, STR_ARG(out_safe(&c->arena, one.text, true)));
            fprintf(one.valid ? c->out : stderr, "%s: %s\n", list[i],
                    one.valid ? "valid" : "not valid");
        }
    }
    if (c->json) {
        out_json(c, json_incref(n == 1 ? json_array_get(all, 0) : all));
    }
    return valid ? EXIT_DONE : EXIT_FAILED;
}

const struct cli_verb verb_lint = {
    .name = "lint",
    .group = CLI_BUILD,
    .args = "[FILE...]",
    .max_args = -1,
    .flags = CLI_NO_SERVER_OPTIONS,
    .summary = "Check buildspecs, release.yml, accounts.yml and pipeline structures",
    .detail =
        "Prints FILE:LINE:COLUMN for each error and each surprise; exit status 1 if there is an\n"
        "error. Without FILE: release.yml and buildspec.yml of this folder; '-' is standard\n"
        "input. What a file is shows in its content, pipeline structures end in .json.\n\n"
        "--json prints "
        "{\"file\",\"valid\",\"errors\":[{\"code\",\"line\",\"column\",\"message\"}],\n"
        "\"warnings\":[...],\"buildspec\":{...}}, a list of these for several files.",
    .run = run,
};
