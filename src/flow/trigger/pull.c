/* Implementation of pull.h. */
#include "flow/trigger/pull.h"

#include "flow/execution/apply.h"
#include "flow/source/place.h"
#include "flow/trigger/trigger.h"
#include "platform/text/json.h"

#include <stdio.h>

enum { MAX_FILES = 3000, MAX_ATTEMPTS = 8 };

int trigger_pull_add(const struct flow *f, struct arena *a, struct str key, const struct pull *pull,
                     struct err *err) {
    json_t *o cleanup_json = json_object();
    json_object_set_new(o, "pipeline", json_integer(pull->pipeline));
    json_set_str(o, "action", pull->action);
    json_set_str(o, "number", pull->number);
    json_set_str(o, "event", pull->event);
    json_set_str(o, "commit", pull->commit);
    json_set_str(o, "ref", pull->ref);
    json_set_str(o, "branch", pull->branch);
    json_set_str(o, "destination", pull->destination);
    struct str name = str_printf(a, STR_FMT "/%lld/" STR_FMT, STR_ARG(key),
                                 (long long)pull->pipeline, STR_ARG(pull->action));
    return queue_add(f->db, JOB_PULL, name, json_dump_str(a, o), 0, err);
}

static int read_pull(struct queue_job *job, struct pull *ret, struct err *err) {
    json_t *o cleanup_json = json_parse(job->payload, err);
    if (o == NULL) {
        return -1;
    }
    *ret = (struct pull){
        .pipeline = json_int(o, "pipeline"),
        .action = str_dup(job->arena, json_str(o, "action")),
        .number = str_dup(job->arena, json_str(o, "number")),
        .event = str_dup(job->arena, json_str(o, "event")),
        .commit = str_dup(job->arena, json_str(o, "commit")),
        .ref = str_dup(job->arena, json_str(o, "ref")),
        .branch = str_dup(job->arena, json_str(o, "branch")),
        .destination = str_dup(job->arena, json_str(o, "destination")),
    };
    return 0;
}

struct pulling {
    const struct flow *flow;
    struct arena *arena;
    struct pull pull;
    struct str key; /* of the job: the execution's request token */
    struct pipeline_row row;
    struct definition def;
    struct trigger_source source;
    struct git_mirror mirror;
    struct git_commit commit;
};

/* 1 the pipeline and its action are there (still), 0 not. */
static int load(struct pulling *p, struct err *err) {
    struct db *db = p->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int found = record_pipeline_by_id(db, p->arena, p->pull.pipeline, &p->row, err);
    db_rollback(db);
    if (found <= 0 || definition_parse(p->arena, p->row.definition, &p->def, err) < 0) {
        return found <= 0 ? found : -1;
    }
    const struct def_action *action = definition_action(&p->def.stages.v[0], p->pull.action);
    p->source = (struct trigger_source){p->flow, p->arena, &p->row, &p->def, action};
    return action != NULL;
}

/* A pull request from within the repository is among its branches; one from elsewhere, or whose
 * branch has gone, is where the host publishes it. */
static int fetch(struct pulling *p, struct err *err) {
    struct str url = STR_NONE;
    struct err absent = ERR_INIT;
    const struct source_place place = {p->source.action->provider, &p->source.action->configuration,
                                       p->row.account, p->row.region};
    int found = source_place_url(p->flow, p->arena, &place, &url, err);
    if (found <= 0) {
        return found < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "its connection does not exist");
    }
    if (git_mirror_open(p->arena, p->flow->data_dir, url, &p->mirror, err) < 0 ||
        git_fetch(&p->mirror, err) < 0) {
        return -1;
    }
    if (git_commit_info(p->arena, &p->mirror, p->pull.commit, &p->commit, &absent) == 0) {
        return 0;
    }
    return p->pull.ref.n == 0 || git_fetch_ref(p->arena, &p->mirror, p->pull.ref, err) < 0 ||
                   git_commit_info(p->arena, &p->mirror, p->pull.commit, &p->commit, err) < 0
               ? err_wrap(err, "commit " STR_FMT, STR_ARG(p->pull.commit))
               : 0;
}

static bool passes(struct pulling *p) {
    struct str_list files = {0};
    struct str base = STR_NONE;
    struct err ignored = ERR_INIT;
    struct trigger_event event = {.event = p->pull.event, .branch = p->pull.destination};
    if (trigger_asks_files(&p->def, p->source.action, true)) {
        /* without a common ancestor every file is the pull request's */
        bool unknown = git_head(p->arena, &p->mirror, p->pull.destination, &base, &ignored) < 0 ||
                       git_changed_since(p->arena, &p->mirror, base, p->pull.commit, MAX_FILES,
                                         &files, &ignored) < 0;
        event.files = &files;
        event.many = unknown || files.n > MAX_FILES;
    }
    return trigger_passes(&p->def, p->source.action, &event);
}

static int write_start(struct pulling *p, struct err *err) {
    struct str id = STR_NONE;
    struct str token = str_printf(p->arena, "pull-" STR_FMT, STR_ARG(p->key));
    int known = record_execution_by_token(p->flow->db, p->arena, p->row.id, token, &id, err);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    struct trigger_detail detail = {
        .commit = &p->commit,
        .branch = p->pull.branch,
        .destination = p->pull.destination,
        .pull_request = p->pull.number,
        .event = p->pull.event,
    };
    struct source_pin pins[] = {{p->pull.action, S("COMMIT_ID"), p->pull.commit},
                                {p->pull.action, S("BRANCH_NAME"), p->pull.branch},
                                {p->pull.action, S("REF_NAME"), p->pull.ref}};
    struct execution_start start = {
        .trigger_type = S("WebhookV2"),
        .trigger_detail = trigger_detail(&p->source, &detail),
        .request_token = token,
        .pins = {pins, p->pull.ref.n > 0 ? 3 : 2},
    };
    return execution_start(p->flow, p->arena, p->row.id, &start, &id, NULL, err);
}

static int start(struct pulling *p, struct err *err) {
    if (db_begin(p->flow->db, err) < 0) {
        return -1;
    }
    if (write_start(p, err) < 0) {
        db_rollback(p->flow->db);
        return -1;
    }
    return db_commit(p->flow->db, err);
}

static int run(void *ud, struct queue_job *job, struct err *err) {
    struct pulling p = {.flow = ud, .arena = job->arena, .key = job->key};
    if (read_pull(job, &p.pull, err) < 0) {
        return -1;
    }
    int there = load(&p, err);
    if (there <= 0) {
        return there;
    }
    return fetch(&p, err) < 0 ? -1 : passes(&p) ? start(&p, err) : 0;
}

static void gave_up(void *ud, struct queue_job *job, const struct err *why) {
    (void)ud;
    fprintf(stderr, "trunkline: pull request " STR_FMT " started nothing: %s\n", STR_ARG(job->key),
            why->msg);
}

struct queue_kind trigger_pull_kind(struct flow *f) {
    return (struct queue_kind){
        .name = JOB_PULL,
        .run = run,
        .gave_up = gave_up,
        .ud = f,
        .max_attempts = MAX_ATTEMPTS,
        .parallel = 2,
    };
}
