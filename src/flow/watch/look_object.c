/* The object of an S3 source; look.h. */
#include "flow/watch/look.h"

#include "gen/s3.h"

static struct str setting(const struct trigger_source *s, const char *key) {
    return str_map_get(&s->action->configuration, str_c(key));
}

static int target_of(const struct trigger_source *s, struct aws_target *ret, struct err *err) {
    const struct aws_world *world = s->flow->world;
    struct str session = S("tl-watch");
    if (aws_assume(world, s->arena, S("codepipeline.amazonaws.com"), s->def->role_arn, session, ret,
                   err) < 0) {
        return -1;
    }
    struct aws_target pipeline = *ret;
    return s->action->role_arn.p == NULL ? 0
                                         : aws_assume_from(world, s->arena, &pipeline,
                                                           s->action->role_arn, session, ret, err);
}

/* The newest version's id; "" while there is no object. */
static int newest(const struct trigger_source *s, struct str *ret, struct err *err) {
    struct aws_target target;
    struct s3_head_object_request in = {.bucket = setting(s, "S3Bucket"),
                                        .key = setting(s, "S3ObjectKey")};
    struct s3_head_object_output out;
    struct err why = ERR_INIT;
    if (target_of(s, &target, err) < 0) {
        return -1;
    }
    *ret = S("");
    if (s3_call_head_object(&target, s->arena, &in, &out, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND) {
            return 0;
        }
        *err = why;
        return -1;
    }
    if (out.version_id.n == 0 || str_is(out.version_id, "null")) {
        return err_set(err, ERR_INVALID, "bucket " STR_FMT " has no versions: enable versioning",
                       STR_ARG(in.bucket));
    }
    *ret = out.version_id;
    return 0;
}

static int seen_before(const struct trigger_source *s, struct str ref, struct str now,
                       struct str *ret, struct err *err) {
    struct db *db = s->flow->db;
    if (db_begin(db, err) < 0) {
        return -1;
    }
    int known = source_seen_get(db, s->arena, s->pipeline->id, s->action->name, ref, ret, err);
    if (known < 0 || (known == 0 && source_seen_put(db, s->pipeline->id, s->action->name, ref, now,
                                                    clock_now_ms(s->flow->clock), err) < 0)) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, err) < 0 ? -1 : known;
}

int look_at_object(const struct trigger_source *s, struct err *err) {
    struct str now = STR_NONE;
    struct str before = STR_NONE;
    struct str started = STR_NONE;
    struct str ref =
        str_printf(s->arena, "s3://" STR_FMT "/" STR_FMT, STR_ARG(setting(s, "S3Bucket")),
                   STR_ARG(setting(s, "S3ObjectKey")));
    if (newest(s, &now, err) < 0) {
        return -1;
    }
    int known = seen_before(s, ref, now, &before, err);
    if (known <= 0 || now.n == 0 || str_eq(now, before)) {
        return known < 0 ? -1 : 0;
    }
    return trigger_object(s, ref, now, &started, err);
}
