/* Instance profiles: a name under which a role is given to machines. */
#include "services/iam/iam.h"

#include "services/core/ident.h"
#include "services/core/page.h"
#include "services/core/tags.h"

struct profile {
    struct str name, path, id;
    struct str role; /* absent: none */
    int64_t created_ms;
};

struct profiles {
    struct profile *v;
    size_t n;
};

#define PROFILE "SELECT name, path, id, role, created_ms FROM iam_profile "

static void read_profile(struct db_rows *rows, struct arena *a, struct profile *ret) {
    *ret = (struct profile){db_str(rows, a, 0), db_str(rows, a, 1), db_str(rows, a, 2),
                            db_str(rows, a, 3), db_i64(rows, 4)};
}

static int find(struct call *c, struct str name, struct profile *ret, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    if (db_query(c->db, &rows, err, PROFILE "WHERE account = ? AND name = ?", "ss", c->account,
                 name) < 0) {
        return -1;
    }
    int found = db_next(&rows, err);
    if (found > 0) {
        read_profile(&rows, c->arena, ret);
    }
    return found;
}

static int need(struct call *c, struct str name, struct profile *ret, struct err *err) {
    int found = find(c, name, ret, err);
    return found == 0 ? err_api(err, &iam_NoSuchEntityException,
                                "Instance Profile " STR_FMT " cannot be found.", STR_ARG(name))
                      : found - 1;
}

static struct str arn_of(struct call *c, const struct profile *p) {
    return iam_arn(c->arena, "instance-profile", c->account, p->path, p->name);
}

static int fill(struct call *c, const struct profile *p, struct iam_instance_profile *ret,
                struct err *err) {
    struct iam_role_row role = {0};
    *ret = (struct iam_instance_profile){
        .path = p->path,
        .instance_profile_name = p->name,
        .instance_profile_id = p->id,
        .arn = arn_of(c, p),
        .create_date = p->created_ms,
        .has_create_date = true,
    };
    ret->roles.v = arena_new(c->arena, struct iam_role);
    int found = p->role.p ? iam_role_find(c->db, c->arena, c->account, p->role, &role, err) : 0;
    if (found > 0) {
        iam_role_fill(c, &role, &ret->roles.v[ret->roles.n++]);
    }
    return found < 0 ? -1 : iam_tags_get(c, ret->arn, &ret->tags, err);
}

int iam_create_instance_profile(struct call *c,
                                const struct iam_create_instance_profile_request *in,
                                struct iam_create_instance_profile_response *out, struct err *err) {
    struct profile p = {
        .name = in->instance_profile_name,
        .path = in->path,
        .id = ident_make(c->rng, c->arena, "AIPA", 17),
        .created_ms = c->now_ms / 1000 * 1000,
    };
    struct profile old = {0};
    if (iam_check_name(p.name, "instanceProfileName", err) < 0 ||
        iam_check_path(&p.path, err) < 0) {
        return -1;
    }
    int found = find(c, p.name, &old, err);
    if (found > 0) {
        return err_api(err, &iam_EntityAlreadyExistsException,
                       "Instance Profile " STR_FMT " already exists.", STR_ARG(p.name));
    }
    if (found < 0 ||
        db_run(c->db, err,
               "INSERT INTO iam_profile(account, name, path, id, created_ms) "
               "VALUES (?, ?, ?, ?, ?)",
               "ssssi", c->account, p.name, p.path, p.id, p.created_ms) < 0 ||
        iam_tags_put(c, arn_of(c, &p), &in->tags, err) < 0) {
        return -1;
    }
    out->instance_profile = arena_new(c->arena, struct iam_instance_profile);
    return fill(c, &p, out->instance_profile, err);
}

int iam_get_instance_profile(struct call *c, const struct iam_get_instance_profile_request *in,
                             struct iam_get_instance_profile_response *out, struct err *err) {
    struct profile p = {0};
    if (need(c, in->instance_profile_name, &p, err) < 0) {
        return -1;
    }
    out->instance_profile = arena_new(c->arena, struct iam_instance_profile);
    return fill(c, &p, out->instance_profile, err);
}

int iam_delete_instance_profile(struct call *c,
                                const struct iam_delete_instance_profile_request *in,
                                struct iam_delete_instance_profile_output *out, struct err *err) {
    struct profile p = {0};
    (void)out;
    if (need(c, in->instance_profile_name, &p, err) < 0) {
        return -1;
    }
    if (p.role.p != NULL) {
        return err_api(err, &iam_DeleteConflictException,
                       "Cannot delete entity, must remove roles from instance profile first.");
    }
    return tags_drop(c->db, arn_of(c, &p), err) < 0
               ? -1
               : db_run(c->db, err, "DELETE FROM iam_profile WHERE account = ? AND name = ?", "ss",
                        c->account, p.name);
}

static int set_role(struct call *c, const struct profile *p, struct str role, struct err *err) {
    return db_run(c->db, err, "UPDATE iam_profile SET role = ? WHERE account = ? AND name = ?",
                  "sss", role, c->account, p->name);
}

int iam_add_role_to_instance_profile(struct call *c,
                                     const struct iam_add_role_to_instance_profile_request *in,
                                     struct iam_add_role_to_instance_profile_output *out,
                                     struct err *err) {
    struct profile p = {0};
    struct iam_role_row role = {0};
    (void)out;
    if (need(c, in->instance_profile_name, &p, err) < 0 ||
        iam_need_role(c, in->role_name, &role, err) < 0) {
        return -1;
    }
    if (p.role.p != NULL) {
        return err_api(err, &iam_LimitExceededException,
                       "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    }
    return set_role(c, &p, role.name, err);
}

int iam_remove_role_from_instance_profile(
    struct call *c, const struct iam_remove_role_from_instance_profile_request *in,
    struct iam_remove_role_from_instance_profile_output *out, struct err *err) {
    struct profile p = {0};
    (void)out;
    if (need(c, in->instance_profile_name, &p, err) < 0) {
        return -1;
    }
    if (p.role.p == NULL || !str_ieq(p.role, in->role_name)) {
        return err_api(err, &iam_NoSuchEntityException,
                       "The role with name " STR_FMT " cannot be found.", STR_ARG(in->role_name));
    }
    return set_role(c, &p, STR_NONE, err);
}

/* By name; of one role when `role` is given. */
static int list(struct call *c, struct str prefix, struct str role, struct iam_page *page,
                struct iam_instance_profile_list *ret, struct str *ret_marker, struct err *err) {
    struct db_rows rows cleanup_rows = {0};
    struct profiles all = {NULL, 0};
    struct str path = prefix.p ? prefix : S("/");
    int more = db_query(c->db, &rows, err,
                        PROFILE "WHERE account = ? AND name > ? AND substr(path, 1, ?) = ? "
                                "AND (? IS NULL OR role = ?) ORDER BY name LIMIT ?",
                        "ssisssi", c->account, page->after.p ? page->after : S(""), (int64_t)path.n,
                        path, role, role, page->limit);
    while (more >= 0 && (more = db_next(&rows, err)) > 0) {
        read_profile(&rows, c->arena, arena_push(c->arena, &all));
    }
    if (more < 0) {
        return -1;
    }
    bool truncated = iam_page_more(page, &all.n);
    ret->v = arena_new_n(c->arena, struct iam_instance_profile, all.n);
    for (size_t i = 0; i < all.n; i++) {
        if (fill(c, &all.v[i], &ret->v[ret->n++], err) < 0) {
            return -1;
        }
    }
    *ret_marker = truncated ? page_token(c, all.v[all.n - 1].name) : STR_NONE;
    return 0;
}

int iam_list_instance_profiles(struct call *c, const struct iam_list_instance_profiles_request *in,
                               struct iam_list_instance_profiles_response *out, struct err *err) {
    struct iam_page page;
    if (iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        list(c, in->path_prefix, STR_NONE, &page, &out->instance_profiles, &out->marker, err) < 0) {
        return -1;
    }
    out->is_truncated = out->marker.p != NULL;
    out->has_is_truncated = true;
    return 0;
}

int iam_list_instance_profiles_for_role(
    struct call *c, const struct iam_list_instance_profiles_for_role_request *in,
    struct iam_list_instance_profiles_for_role_response *out, struct err *err) {
    struct iam_page page;
    struct iam_role_row role = {0};
    if (iam_need_role(c, in->role_name, &role, err) < 0 ||
        iam_page_start(c, in->marker, in->has_max_items, in->max_items, &page, err) < 0 ||
        list(c, STR_NONE, role.name, &page, &out->instance_profiles, &out->marker, err) < 0) {
        return -1;
    }
    out->is_truncated = out->marker.p != NULL;
    out->has_is_truncated = true;
    return 0;
}
