/* DeleteObject and DeleteObjects: versions go, or delete markers come. */
#include "services/s3/s3.h"

#include "services/s3/precondition.h"

struct deletion {
    bool marker;        /* a delete marker was made, or was what was deleted */
    struct str version; /* of the marker, or what was asked for */
};

static int delete_version(struct call *c, struct str bucket, struct str key, struct str version,
                          struct deletion *ret, struct err *err) {
    struct s3_object_row o;
    int found = s3_object_find(c->db, c->arena, bucket, key, version, &o, err);
    if (found < 0) {
        return -1;
    }
    ret->version = version;
    ret->marker = found == 1 && o.marker;
    return found == 1 ? s3_object_remove(c->db, &o, err) : 0;
}

static int delete_latest(struct call *c, const struct s3_bucket_row *b, struct str key,
                         struct deletion *ret, struct err *err) {
    if (b->versioning.p != NULL) {
        struct s3_object_row marker = {.bucket = b->name,
                                       .key = key,
                                       .version = s3_new_version(c, b),
                                       .marker = true,
                                       .modified_ms = c->now_ms};
        ret->marker = true;
        ret->version = marker.version;
        return s3_object_insert(c->db, &marker, err);
    }
    struct s3_object_row o;
    int found = s3_object_find(c->db, c->arena, b->name, key, STR_NONE, &o, err);
    return found == 1 ? s3_object_remove(c->db, &o, err) : found;
}

static int delete_one(struct call *c, const struct s3_bucket_row *b, struct str key,
                      struct str version, struct deletion *ret, struct err *err) {
    *ret = (struct deletion){0};
    if (s3_key_check(key, err) < 0) {
        return -1;
    }
    return version.p != NULL ? delete_version(c, b->name, key, version, ret, err)
                             : delete_latest(c, b, key, ret, err);
}

int s3_delete_object(struct call *c, const struct s3_delete_object_request *in,
                     struct s3_delete_object_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct deletion done;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_write_allowed(c, in->bucket, in->key, in->if_match, STR_NONE, err) < 0 ||
        delete_one(c, &b, in->key, in->version_id, &done, err) < 0) {
        return -1;
    }
    out->delete_marker = done.marker;
    out->has_delete_marker = done.marker;
    out->version_id = done.version;
    return 0;
}

static void report_deleted(struct call *c, const struct s3_object_identifier *id,
                           const struct deletion *done, struct s3_delete_objects_output *out) {
    struct s3_deleted_object *d = arena_push(c->arena, &out->deleted);
    d->key = id->key;
    d->version_id = id->version_id;
    d->delete_marker = done->marker;
    d->has_delete_marker = done->marker;
    d->delete_marker_version_id = done->marker ? done->version : STR_NONE;
}

static void report_error(struct call *c, const struct s3_object_identifier *id,
                         const struct err *why, struct s3_delete_objects_output *out) {
    struct s3_error *e = arena_push(c->arena, &out->errors);
    e->key = id->key;
    e->version_id = id->version_id;
    e->code = str_c(why->api != NULL ? why->api->code : "InternalError");
    e->message = str_dup(c->arena, str_c(why->msg));
}

int s3_delete_objects(struct call *c, const struct s3_delete_objects_request *in,
                      struct s3_delete_objects_output *out, struct err *err) {
    struct s3_bucket_row b;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0) {
        return -1;
    }
    if (in->delete == NULL || in->delete->objects.n == 0 || in->delete->objects.n > S3_DELETE_MAX) {
        return err_api(err, &s3e_MalformedXML,
                       "The XML you provided was not well-formed or did not validate against our "
                       "published schema");
    }
    bool quiet = in->delete->has_quiet && in->delete->quiet;
    for (size_t i = 0; i < in->delete->objects.n; i++) {
        const struct s3_object_identifier *id = &in->delete->objects.v[i];
        struct deletion done;
        struct err why = ERR_INIT;
        int bad = s3_write_allowed(c, in->bucket, id->key, id->etag, STR_NONE, &why);
        if (bad < 0 || delete_one(c, &b, id->key, id->version_id, &done, &why) < 0) {
            if (why.api == NULL) { /* the store's, not the key's: nothing of this call stands */
                *err = why;
                return -1;
            }
            report_error(c, id, &why, out);
        } else if (!quiet) {
            report_deleted(c, id, &done, out);
        }
    }
    return 0;
}
