/* trunkline verify: whether the engine's promises hold of what is in a store. It needs no server,
 * and disturbs none. */
#include "front/cli/out.h"
#include "front/cli/place.h"

#include "flow/verify/verify.h"

static json_t *finding_json(const struct finding *f) {
    json_t *o = json_object();
    json_set(o, "invariant", json_integer(f->invariant));
    json_set_str(o, "pipeline", f->pipeline);
    json_set_str(o, "execution", f->execution);
    json_set_str(o, "finding", f->text);
    return o;
}

static json_t *verified_json(const struct verified *v) {
    json_t *o = json_object();
    json_t *findings = json_array();
    for (size_t i = 0; i < v->findings.n; i++) {
        json_array_append_new(findings, finding_json(&v->findings.v[i]));
    }
    json_set(o, "pipelines", json_integer(v->pipelines));
    json_set(o, "executions", json_integer(v->executions));
    json_set(o, "events", json_integer(v->events));
    json_set(o, "attempts", json_integer(v->attempts));
    json_set(o, "told", json_integer(v->told));
    json_set(o, "audited", json_integer(v->audited));
    json_set(o, "findings", findings);
    return o;
}

static void print_verified(struct cli *c, const struct verified *v) {
    struct arena *a = &c->arena;
    for (size_t i = 0; i < v->findings.n; i++) {
        const struct finding *f = &v->findings.v[i];
        fprintf(c->out, "%sI%d%s " STR_FMT " " STR_FMT "  " STR_FMT "\n", out_style(c, OUT_RED),
                f->invariant, out_style(c, OUT_PLAIN), STR_ARG(out_safe(a, f->pipeline, false)),
                STR_ARG(out_safe(a, f->execution, false)), STR_ARG(out_safe(a, f->text, false)));
    }
    fprintf(c->out,
            "%zu findings in %lld events, %lld attempts and %lld notices of %lld executions, %lld "
            "pipelines, and %lld rows of the audit\n",
            v->findings.n, (long long)v->events, (long long)v->attempts, (long long)v->told,
            (long long)v->executions, (long long)v->pipelines, (long long)v->audited);
}

static int look(struct cli *c, struct db *db, const struct audit_evidence *evidence,
                struct verified *ret, struct err *err) {
    struct str execution = c->args_n > 0 ? str_c(c->args[0]) : STR_NONE;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int looked = verify_store(db, &c->arena, 0, execution, ret, err) < 0
                     ? -1
                     : verify_audit(db, &c->arena, evidence, ret, err);
    db_glance(db);
    return looked;
}

/* Read before the store: it then has what audit.head names. */
static int read_evidence(struct cli *c, struct audit_head *kept, struct audit_evidence *ret,
                         struct err *err) {
    const char *text = cli_opt(c, "head");
    if (text != NULL && !audit_head_parse(str_c(text), kept)) {
        return cli_usage(c, "--head takes what `trunkline audit --head` has printed");
    }
    if (audit_evidence_read(place_data_dir(c), ret, err) < 0) {
        return -1;
    }
    ret->kept = text != NULL ? kept : NULL;
    return 0;
}

static int run(struct cli *c, struct err *err) {
    struct db *db = NULL;
    struct verified all;
    struct audit_head kept;
    struct audit_evidence evidence;
    if (place_is_remote(c)) {
        return err_set(err, ERR_INVALID,
                       "verify reads the data directory of a server: run it on "
                       "its machine, with --data");
    }
    if ((c->args_n > 0) == cli_has(c, "all")) {
        return cli_usage(c, "give the id of an execution, or --all");
    }
    int read = read_evidence(c, &kept, &evidence, err);
    if (read != 0) {
        return read;
    }
    if (db_open_view(place_file(c, "trunkline.db"), &db, err) < 0) {
        return -1;
    }
    int looked = look(c, db, &evidence, &all, err);
    db_close(db);
    if (looked < 0) {
        return -1;
    }
    if (c->json) {
        (void)out_json(c, verified_json(&all));
    } else {
        print_verified(c, &all);
    }
    return all.findings.n > 0 ? EXIT_FAILED : EXIT_DONE;
}

static const struct cli_option options[] = {
    {"all", 0, NULL, "every pipeline of the data directory, deleted ones too"},
    {"head", 0, "HEAD", "the audit reaches at least this far (`trunkline audit --head`)"},
    {0},
};

const struct cli_verb verb_verify = {
    .name = "verify",
    .group = CLI_MACHINE,
    .args = "[EXECUTION]",
    .max_args = 1,
    .summary = "Look whether the engine's promises hold of what is in the store",
    .detail =
        "Reads events, rows and what was told, not the engine's own state, and says where they do\n"
        "not fit:\n"
        "\n"
        "  I1  each build belongs to one attempt\n"
        "  I2  attempts follow each other\n"
        "  I3  one execution is in a stage\n"
        "  I4  nothing starts after a stop, a failure or a rejection, and no stage is given back\n"
        "      while something runs\n"
        "  I5  a token is answered once, and by whom is known\n"
        "  I6  what was answered is there\n"
        "  I7  the events folded once more give the state\n"
        "  I8  the audit chain has every row, as it was written\n"
        "\n"
        "A server may be running. Exit status 1: something was found.",
    .options = options,
    .run = run,
};
