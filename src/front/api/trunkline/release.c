/* DescribeRelease: what a release brings: its commits since the last one that went all the way. */
#include "front/api/trunkline/trunkline.h"

#include "flow/artifact/git.h"

enum { MAX_COMMITS = 50 };

static struct trunkline_commit *revision_commit(struct call *c, const struct revision *r) {
    struct trunkline_commit *commit = arena_new(c->arena, struct trunkline_commit);
    *commit = (struct trunkline_commit){
        .id = r->commit,
        .author = r->author,
        .email = r->email,
        .subject = r->subject,
        .date = r->at_ms,
        .has_date = r->at_ms != 0,
    };
    return commit;
}

/* The commits are asked of git, which may take its time: after the call's transaction. */
struct question {
    struct arena *arena;
    struct git_mirror mirror;
    struct str from, to;
    struct trunkline_describe_release_output *out;
};

/* git's error only says that there is no history to show. */
static void list_commits(void *ud) {
    const struct question *q = ud;
    struct trunkline_describe_release_output *out = q->out;
    struct git_commit_list commits;
    struct err ignored = ERR_INIT;
    if (git_log(q->arena, &q->mirror, q->from, q->to, MAX_COMMITS + 1, &commits, &ignored) < 0) {
        return;
    }
    out->more_commits = commits.n > MAX_COMMITS;
    out->has_more_commits = true;
    out->commits.n = commits.n > MAX_COMMITS ? MAX_COMMITS : commits.n;
    out->commits.v = arena_new_n(q->arena, struct trunkline_commit, commits.n + 1);
    for (size_t i = 0; i < out->commits.n; i++) {
        out->commits.v[i] = (struct trunkline_commit){
            .id = commits.v[i].id,
            .author = commits.v[i].author,
            .email = commits.v[i].email,
            .subject = commits.v[i].subject,
            .date = commits.v[i].author_ms,
            .has_date = true,
        };
    }
}

/* Of the repository behind the first source action; without its connection there is no history. */
static void ask_commits(struct call *c, const struct definition *d, struct str from, struct str to,
                        struct trunkline_describe_release_output *out) {
    const struct flow *f = codepipeline_flow();
    const struct def_action *source = &d->stages.v[0].actions.v[0];
    struct question *q = arena_new(c->arena, struct question);
    struct str url = STR_NONE;
    struct err ignored = ERR_INIT;
    *q = (struct question){.arena = c->arena, .from = from, .to = to, .out = out};
    int found =
        f->connection(f->connection_ud, c->arena, c->account,
                      str_map_get(&source->configuration, S("ConnectionArn")),
                      str_map_get(&source->configuration, S("FullRepositoryId")), &url, &ignored);
    if (found > 0 && git_mirror_open(c->arena, f->data_dir, url, &q->mirror, &ignored) == 0) {
        c->after = (struct call_after){list_commits, q};
    }
}

int trunkline_describe_release(struct call *c, const struct trunkline_describe_release_input *in,
                               struct trunkline_describe_release_output *out, struct err *err) {
    struct pipeline_row pipeline;
    struct execution_row row, base;
    struct definition d;
    struct revision r, before;
    if (trunkline_find(c, in->pipeline_name, in->pipeline_execution_id, &pipeline, &row, err) < 0 ||
        definition_parse(c->arena, pipeline.definition, &d, err) < 0) {
        return -1;
    }
    if (!revision_from_json(c->arena, row.revision, &r)) {
        return 0; /* the source has not run yet */
    }
    out->revision = revision_commit(c, &r);
    out->branch_name = r.branch;
    struct str last_stage = d.stages.v[d.stages.n - 1].name;
    int found =
        record_last_success(c->db, c->arena, pipeline.id, last_stage, row.number, &base, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0 && revision_from_json(c->arena, base.revision, &before)) {
        out->base_execution_id = base.id;
        out->base_commit_id = before.commit;
    }
    ask_commits(c, &d, out->base_commit_id, r.commit, out);
    return 0;
}
