/* trunkline lint: errors and surprises of buildspecs, release.yml, accounts.yml and
 * pipeline structures. */
#include "front/cli/accounts_file.h"
#include "front/cli/lint_account.h"
#include "front/cli/lint_release.h"
#include "front/cli/out.h"

#include "flow/definition/definition.h"
#include "flow/execution/available.h"
#include "flow/definition/release_yml.h"
#include "flow/phase/lint_fix.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <libgen.h>
#include <sys/stat.h>
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
    ret->text = line ? str_printf(&c->arena, "%s:%u:%u: error: %s\n", file, line, column, message)
                     : str_printf(&c->arena, "%s: error: %s\n", file, message);
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
    if (definition_parse(&c->arena, text, &d, &why) < 0 ||
        definition_check(&d, STR_NONE, &fault, &why) < 0 ||
        execution_available(&d, &fault, &why) < 0) {
        one_error(c, file, &why, ret);
    } else {
        no_error(file, "pipeline", ret);
    }
    return 0;
}

static void add_surprises(struct cli *c, const char *file, const struct lint_surprises *all,
                          struct lint_result *ret) {
    struct arena *a = &c->arena;
    struct buildspec_notes notes = {0};
    for (size_t i = 0; i < all->n; i++) {
        const struct lint_surprise *one = &all->v[i];
        struct str place =
            one->line ? str_printf(a, ":%u:%u", one->line, one->column) : str_dup(a, S(""));
        *arena_push(a, &notes) = (struct buildspec_note){
            .code = one->code, .line = one->line, .column = one->column, .text = one->text};
        ret->text =
            str_printf(a, STR_FMT "%s" STR_FMT ": warning: " STR_FMT " [%s]\n", STR_ARG(ret->text),
                       file, STR_ARG(place), STR_ARG(one->text), one->code);
    }
    json_set(ret->json, "warnings", notes_json(&notes));
}

static int lint_release(struct cli *c, const char *file, struct str text, struct lint_result *ret) {
    struct release_yml release;
    struct lint_surprises surprises;
    struct err why = ERR_INIT;
    const char *dir = dirname((char *)str_z(&c->arena, str_c(file)));
    if (release_yml_read(&c->arena, file, dir, text, &release, &why) < 0 ||
        lint_release_surprises(&c->arena, dir, &release, &surprises, &why) < 0) {
        one_error(c, file, &why, ret);
        return 0;
    }
    no_error(file, "release", ret);
    add_surprises(c, file, &surprises, ret);
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

/* What is asked for all files of the command line. */
struct lint_asked {
    bool fix;
    const char *account; /* NULL: ask nobody */
    struct lint_environments environments;
    struct str_list outputs; /* artifacts that the CodeBuild actions of a pipeline give out */
    bool pipeline;           /* one is among the files */
};

static bool is_pipeline(const char *file, struct str text) {
    struct str bare = str_trim(text);
    return str_ends(str_c(file), S(".json")) && bare.n > 0 && bare.p[0] == '{' &&
           str_find(text, S("\"phases\""), 0) == (size_t)-1;
}

static int read_file(struct cli *c, const char *file, struct str *ret, struct err *err) {
    return strcmp(file, "-") == 0 ? fd_read_all(&c->arena, STDIN_FILENO, MAX_BYTES, ret, err)
                                  : file_read(&c->arena, file, MAX_BYTES, ret, err);
}

/* The artifacts that builds of a pipeline among the files can be asked for. */
static void find_outputs(struct cli *c, const char *const *files, size_t n,
                         struct lint_asked *asked) {
    for (size_t i = 0; i < n; i++) {
        struct str text;
        struct definition d;
        struct err ignored = ERR_INIT; /* told when the file's turn comes */
        if (strcmp(files[i], "-") == 0 || read_file(c, files[i], &text, &ignored) < 0 ||
            !is_pipeline(files[i], text) || definition_parse(&c->arena, text, &d, &ignored) < 0) {
            continue;
        }
        asked->pipeline = true;
        for (size_t k = 0; k < d.stages.n; k++) {
            const struct def_action_list *actions = &d.stages.v[k].actions;
            for (size_t m = 0; m < actions->n; m++) {
                for (size_t o = 0; o < actions->v[m].outputs.n; o++) {
                    *arena_push(&c->arena, &asked->outputs) = actions->v[m].outputs.v[o];
                }
            }
        }
    }
}

static void check_outputs(struct cli *c, const struct lint_asked *asked, struct buildspec *spec) {
    const struct yaml_node *secondary =
        yaml_get(yaml_get(spec->root, "artifacts"), "secondary-artifacts");
    for (size_t i = 0; asked->pipeline && secondary != NULL && i < secondary->n; i++) {
        const struct yaml_node *key =
            secondary->kind == YAML_MAPPING ? secondary->pair[i].key : NULL;
        if (key != NULL && !str_list_has(&asked->outputs, key->text)) {
            lint_add(&c->arena, spec, "secondary-unreachable", key,
                     "no action of the pipeline has an output artifact '" STR_FMT "'",
                     STR_ARG(key->text));
        }
    }
    lint_sort(spec);
}

static json_t *fixes_json(const struct lint_fixes *fixes) {
    json_t *list = json_array();
    for (size_t i = 0; i < fixes->n; i++) {
        json_t *one = json_object();
        json_set_str(one, "code", str_c(fixes->v[i].code));
        json_set(one, "line", json_integer(fixes->v[i].line));
        json_set_str(one, "before", fixes->v[i].before);
        json_set_str(one, "after", fixes->v[i].after);
        json_array_append_new(list, one);
    }
    return list;
}

static int fix(struct cli *c, const char *file, struct str *io_text, struct lint_fixes *ret,
               struct err *err) {
    struct str mended;
    struct stat st;
    if (lint_fix(&c->arena, file, *io_text, &mended, ret, err) < 0) {
        return -1;
    }
    if (ret->n == 0) {
        return 0;
    }
    mode_t mode = stat(file, &st) == 0 ? st.st_mode & 07777 : 0644;
    if (file_write_atomic(file, mended, mode, err) < 0) {
        return -1;
    }
    *io_text = mended;
    for (size_t i = 0; !c->json && i < ret->n; i++) {
        const struct lint_fixed *f = &ret->v[i];
        struct str after = f->after.p ? f->after : S("(nothing)");
        struct str line =
            str_printf(&c->arena, "%s:%u: mended [%s]: " STR_FMT "  ->  " STR_FMT "\n", file,
                       f->line, f->code, STR_ARG(f->before), STR_ARG(after));
        fprintf(c->out, STR_FMT, STR_ARG(out_safe(&c->arena, line, true)));
    }
    return 0;
}

static int lint_spec(struct cli *c, const char *file, struct str text,
                     const struct lint_asked *asked, struct lint_result *ret, struct err *err) {
    struct buildspec spec;
    struct lint_fixes fixes = {0};
    if ((asked->fix && fix(c, file, &text, &fixes, err) < 0) ||
        lint_buildspec(&c->arena, file, text, &spec, err) < 0) {
        return -1;
    }
    if (asked->account != NULL && spec.root != NULL &&
        lint_account(c, asked->account, &asked->environments, &spec, err) < 0) {
        return -1;
    }
    check_outputs(c, asked, &spec);
    ret->valid = spec.errors.n == 0;
    ret->text = lint_text(&c->arena, file, &spec);
    ret->json = lint_json(file, &spec);
    if (asked->fix) {
        json_set(ret->json, "fixed", fixes_json(&fixes));
    }
    return 0;
}

/* The usual name decides before the content: an empty release.yml is no buildspec. */
static bool is_called(struct cli *c, const char *file, const char *name) {
    return strcmp(basename((char *)str_z(&c->arena, str_c(file))), name) == 0;
}

static int lint_one(struct cli *c, const char *file, const struct lint_asked *asked,
                    struct lint_result *ret, struct err *err) {
    struct str text;
    if (read_file(c, file, &text, err) < 0) {
        return -1;
    }
    if (is_pipeline(file, text)) {
        return lint_pipeline(c, file, text, ret);
    }
    if (is_called(c, file, "release.yml") || release_yml_is_one(&c->arena, file, text)) {
        return lint_release(c, file, text, ret);
    }
    if (is_called(c, file, "accounts.yml") || is_accounts(c, file, text)) {
        return lint_accounts(c, file, text, ret);
    }
    return lint_spec(c, file, text, asked, ret, err);
}

static int print_codes(struct cli *c) {
    size_t n;
    const struct lint_rule *rules = lint_rules(&n);
    json_t *list = json_array();
    if (!c->json) {
        fprintf(
            c->out, "%s",
            "# What lint says\n"
            "Every code of `trunkline lint` for buildspecs, printed by `trunkline lint --codes`. "
            "Codes stay as they are.\n"
            "An error fails the build in DOWNLOAD_SOURCE and the verb with exit status 1; a "
            "warning does neither. `--fix` mends\n"
            "those with a mark where it can do so safely, and writes the file.\n\n"
            "| code | kind | --fix | means |\n|---|---|---|---|\n");
    }
    for (size_t i = 0; i < n; i++) {
        const char *kind = rules[i].severity == LINT_ERROR ? "error" : "warning";
        if (c->json) {
            json_t *one = json_object();
            json_set_str(one, "code", str_c(rules[i].code));
            json_set_str(one, "kind", str_c(kind));
            json_set(one, "fix", json_boolean(rules[i].fixable));
            json_set_str(one, "message", str_c(rules[i].text));
            json_array_append_new(list, one);
        } else {
            fprintf(c->out, "| `%s` | %s | %s | %s |\n", rules[i].code, kind,
                    rules[i].fixable ? "x" : "", rules[i].text);
        }
    }
    if (c->json) {
        return out_json(c, list);
    }
    json_decref(list);
    return EXIT_DONE;
}

static int ask(struct cli *c, const char *const *files, size_t n, struct lint_asked *ret,
               struct err *err) {
    *ret = (struct lint_asked){.fix = cli_has(c, "fix"), .account = cli_opt(c, "account")};
    if (ret->account != NULL && lint_environments(c, &ret->environments, err) < 0) {
        return -1;
    }
    find_outputs(c, files, n, ret);
    return 0;
}

static int run(struct cli *c, struct err *err) {
    const char *const *list = c->args;
    size_t n = (size_t)c->args_n;
    if (cli_has(c, "codes")) {
        return print_codes(c);
    }
    if (n == 0) {
        struct str_list usual = lint_usual_files(c);
        const char **files = arena_new_n(&c->arena, const char *, usual.n);
        for (; n < usual.n; n++) {
            files[n] = str_z(&c->arena, usual.v[n]);
        }
        list = files;
    }
    if (n == 0) {
        return cli_usage(c, "there is neither release.yml nor buildspec.yml here; name a file");
    }
    struct lint_asked asked;
    bool valid = true;
    json_t *all cleanup_json = json_array();
    if (ask(c, list, n, &asked, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct lint_result one = {0};
        if (asked.fix && strcmp(list[i], "-") == 0) {
            return cli_usage(c, "--fix writes files; standard input is none");
        }
        if (lint_one(c, list[i], &asked, &one, err) < 0) {
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

static const struct cli_option options[] = {
    {"fix", 0, NULL, "mend what can be mended safely, and write the file"},
    {"account", 0, "NAME", "ask this account whether the parameters exist (a server must run)"},
    {"env", 'e', "NAME", "for this environment, again for more; otherwise those of release.yml"},
    {"codes", 0, NULL, "print every code and what it means"},
    {0},
};

const struct cli_verb verb_lint = {
    .name = "lint",
    .group = CLI_BUILD,
    .args = "[FILE...]",
    .max_args = -1,
    .summary = "Check buildspecs, release.yml, accounts.yml and pipeline structures",
    .detail =
        "Prints FILE:LINE:COLUMN, what, and a code for each error and each surprise; exit status "
        "1\n"
        "if there is an error. Without FILE: release.yml, accounts.yml and buildspec.yml of this\n"
        "folder, and the buildspecs that release.yml names; '-' is standard input. What a file is\n"
        "shows in its name or its content, pipeline structures end in .json. Of release.yml it\n"
        "also says what is not beside it: buildspecs, and roles of accounts.yml.\n"
        "A buildspec's secondary artifacts are looked for in a pipeline that is named with it.\n\n"
        "--json prints "
        "{\"file\",\"valid\",\"errors\":[{\"code\",\"line\",\"column\",\"message\"}],\n"
        "\"warnings\":[...],\"buildspec\":{...}}, a list of these for several files; with --fix "
        "also\n"
        "\"fixed\":[{\"code\",\"line\",\"before\",\"after\"}].",
    .options = options,
    .run = run,
};
