/* ListObjects (both), ListObjectVersions: pages of a walk, as requests and answers have them. */
#include "services/s3/s3.h"

#include "platform/crypto/encode.h"
#include "runtime/http/http.h"
#include "services/s3/walk.h"

/* Keys are bytes; XML cannot hold all of them, so clients ask for percent-coding. */
static struct str shown(struct call *c, struct str encoding, struct str key) {
    return key.p != NULL && str_is(encoding, "url") ? http_url_encode(c->arena, key, true) : key;
}

/* A marker names the last thing that was seen. One that ends with the delimiter was a common
 * prefix, and everything below it was seen with it. */
static struct str behind_marker(struct call *c, struct str marker, struct str delimiter) {
    if (marker.n == 0) {
        return STR_NONE;
    }
    if (delimiter.n > 0 && str_ends(marker, delimiter)) {
        struct str next = s3_after_prefix(c->arena, marker);
        return next.p != NULL ? next : marker;
    }
    return s3_after_key(c->arena, marker);
}

static int page_size(bool has, int32_t wanted, int64_t *ret, struct err *err) {
    *ret = S3_PAGE_MAX;
    if (has && wanted < 0) {
        return err_api(err, &s3e_InvalidArgument,
                       "Argument maxKeys must be an integer between 0 and 2147483647");
    }
    if (has && wanted < S3_PAGE_MAX) {
        *ret = wanted;
    }
    return 0;
}

static int check_encoding(struct str encoding, struct err *err) {
    if (encoding.p != NULL && !str_is(encoding, "url")) {
        return err_api(err, &s3e_InvalidArgument, "Invalid Encoding Method specified in Request");
    }
    return 0;
}

/* Tokens say where the next page begins: '=' at this key, '>' above it. */
static struct str token_make(struct call *c, const struct s3_walk_page *page) {
    struct str place = str_concat(c->arena, page->next_seq != 0 ? S(">") : S("="), page->next_from);
    return base64url_encode(c->arena, place);
}

static int token_parse(struct call *c, struct str token, struct s3_walk *walk, struct err *err) {
    struct str place;
    if (!base64url_decode(c->arena, token, &place) || place.n == 0 ||
        (place.p[0] != '=' && place.p[0] != '>')) {
        return err_api(err, &s3e_InvalidArgument, "The continuation token provided is incorrect");
    }
    walk->from = str_sub(place, 1, place.n);
    walk->seq = place.p[0] == '>' ? 1 : 0;
    return 0;
}

static void fill_object(struct call *c, const struct s3_object_row *o, struct str encoding,
                        struct s3_owner *owner, struct s3_object *ret) {
    struct str storage = str_map_get(&o->attr.headers, S("x-amz-storage-class"));
    ret->key = shown(c, encoding, o->key);
    ret->last_modified = o->modified_ms;
    ret->has_last_modified = true;
    ret->etag = s3_quoted(c->arena, o->etag);
    ret->size = o->size;
    ret->has_size = true;
    ret->storage_class = storage.p != NULL ? storage : S("STANDARD");
    ret->owner = owner;
    if (o->attr.sum_algorithm != S3_SUM_NONE) {
        *arena_push(c->arena, &ret->checksum_algorithm) = str_c(s3_sum_name(o->attr.sum_algorithm));
        ret->checksum_type = o->attr.sum_type;
    }
}

static void fill_contents(struct call *c, const struct s3_walk_page *page, struct str encoding,
                          struct s3_owner *owner, struct s3_object_list *contents,
                          struct s3_common_prefix_list *prefixes) {
    for (size_t i = 0; i < page->entries.n; i++) {
        const struct s3_walk_entry *e = &page->entries.v[i];
        if (e->object != NULL) {
            fill_object(c, e->object, encoding, owner, arena_push(c->arena, contents));
        } else {
            arena_push(c->arena, prefixes)->prefix = shown(c, encoding, e->prefix);
        }
    }
}

/* What every list of a bucket's objects asks before it walks. */
static int begin_list(struct call *c, const struct s3_walk *wish, struct str owner,
                      struct str encoding, bool has_max, int32_t max, struct s3_bucket_row *ret,
                      struct s3_walk *ret_walk, struct err *err) {
    *ret_walk = *wish;
    return s3_need_bucket(c, wish->bucket, owner, ret, err) < 0 ||
                   check_encoding(encoding, err) < 0 ||
                   page_size(has_max, max, &ret_walk->max, err) < 0
               ? -1
               : 0;
}

/* The requests and answers of the three lists are generated structs with these members alike. */
#define BEGIN_LIST(c, in, bucket_row, walk, err)                                                   \
    begin_list(c,                                                                                  \
               &(struct s3_walk){                                                                  \
                   .bucket = (in)->bucket, .prefix = (in)->prefix, .delimiter = (in)->delimiter},  \
               (in)->expected_bucket_owner, (in)->encoding_type, (in)->has_max_keys,               \
               (in)->max_keys, bucket_row, walk, err)

#define FILL_HEAD(c, in, out, walk, page)                                                          \
    do {                                                                                           \
        struct str prefix_ = (in)->prefix.p != NULL ? (in)->prefix : S("");                        \
        (out)->name = (in)->bucket;                                                                \
        (out)->prefix = shown(c, (in)->encoding_type, prefix_);                                    \
        (out)->delimiter = shown(c, (in)->encoding_type, (in)->delimiter);                         \
        (out)->encoding_type = (in)->encoding_type;                                                \
        (out)->max_keys = (int32_t)(walk)->max;                                                    \
        (out)->has_max_keys = true;                                                                \
        (out)->is_truncated = (page)->truncated;                                                   \
        (out)->has_is_truncated = true;                                                            \
    } while (0)

static struct str last_shown(const struct s3_walk_page *page) {
    const struct s3_walk_entry *e = &page->entries.v[page->entries.n - 1];
    return e->object != NULL ? e->object->key : e->upload != NULL ? e->upload->key : e->prefix;
}

int s3_list_objects_v2(struct call *c, const struct s3_list_objects_v2_request *in,
                       struct s3_list_objects_v2_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_walk walk;
    struct s3_walk_page page;
    if (BEGIN_LIST(c, in, &b, &walk, err) < 0) {
        return -1;
    }
    walk.from = in->start_after.n > 0 ? s3_after_key(c->arena, in->start_after) : STR_NONE;
    if (in->continuation_token.p != NULL &&
        token_parse(c, in->continuation_token, &walk, err) < 0) {
        return -1;
    }
    if (s3_walk(c->db, c->arena, S3_WALK_LATEST, &walk, &page, err) < 0) {
        return -1;
    }
    bool owner = in->has_fetch_owner && in->fetch_owner;
    fill_contents(c, &page, in->encoding_type, owner ? s3_owner_of(c, b.account) : NULL,
                  &out->contents, &out->common_prefixes);
    FILL_HEAD(c, in, out, &walk, &page);
    out->start_after = shown(c, in->encoding_type, in->start_after);
    out->key_count = (int32_t)page.entries.n;
    out->has_key_count = true;
    out->continuation_token = in->continuation_token;
    out->next_continuation_token = page.truncated ? token_make(c, &page) : STR_NONE;
    return 0;
}

int s3_list_objects(struct call *c, const struct s3_list_objects_request *in,
                    struct s3_list_objects_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_walk walk;
    struct s3_walk_page page;
    if (BEGIN_LIST(c, in, &b, &walk, err) < 0) {
        return -1;
    }
    walk.from = behind_marker(c, in->marker, in->delimiter);
    if (s3_walk(c->db, c->arena, S3_WALK_LATEST, &walk, &page, err) < 0) {
        return -1;
    }
    fill_contents(c, &page, in->encoding_type, s3_owner_of(c, b.account), &out->contents,
                  &out->common_prefixes);
    FILL_HEAD(c, in, out, &walk, &page);
    out->marker = shown(c, in->encoding_type, in->marker.p != NULL ? in->marker : S(""));
    if (page.truncated && in->delimiter.n > 0 && page.entries.n > 0) {
        out->next_marker = shown(c, in->encoding_type, last_shown(&page));
    }
    return 0;
}

static void fill_version(struct call *c, const struct s3_object_row *o, struct str encoding,
                         struct s3_owner *owner, struct s3_list_object_versions_output *out) {
    if (o->marker) {
        struct s3_delete_marker_entry *m = arena_push(c->arena, &out->delete_markers);
        m->owner = owner;
        m->key = shown(c, encoding, o->key);
        m->version_id = o->version;
        m->is_latest = o->latest;
        m->has_is_latest = true;
        m->last_modified = o->modified_ms;
        m->has_last_modified = true;
        return;
    }
    struct s3_object plain = {0};
    fill_object(c, o, encoding, owner, &plain);
    struct s3_object_version *v = arena_push(c->arena, &out->versions);
    v->etag = plain.etag;
    v->checksum_algorithm = plain.checksum_algorithm;
    v->checksum_type = plain.checksum_type;
    v->size = plain.size;
    v->has_size = true;
    v->storage_class = plain.storage_class;
    v->key = plain.key;
    v->version_id = o->version;
    v->is_latest = o->latest;
    v->has_is_latest = true;
    v->last_modified = plain.last_modified;
    v->has_last_modified = true;
    v->owner = owner;
}

/* With a version marker the walk goes on inside the key, below that version. */
static int versions_from(struct call *c, const struct s3_list_object_versions_request *in,
                         struct s3_walk *walk, struct err *err) {
    walk->from = behind_marker(c, in->key_marker, in->delimiter);
    if (in->version_id_marker.n == 0) {
        return 0;
    }
    if (in->key_marker.n == 0) {
        return err_api(err, &s3e_InvalidArgument,
                       "A version-id marker cannot be specified without a key marker.");
    }
    struct s3_object_row o;
    int found =
        s3_object_find(c->db, c->arena, in->bucket, in->key_marker, in->version_id_marker, &o, err);
    if (found == 1) {
        walk->from = in->key_marker;
        walk->seq = o.seq;
    }
    return found < 0 ? -1 : 0;
}

int s3_list_object_versions(struct call *c, const struct s3_list_object_versions_request *in,
                            struct s3_list_object_versions_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_walk walk;
    struct s3_walk_page page;
    if (BEGIN_LIST(c, in, &b, &walk, err) < 0 || versions_from(c, in, &walk, err) < 0 ||
        s3_walk(c->db, c->arena, S3_WALK_VERSIONS, &walk, &page, err) < 0) {
        return -1;
    }
    struct s3_owner *owner = s3_owner_of(c, b.account);
    for (size_t i = 0; i < page.entries.n; i++) {
        const struct s3_walk_entry *e = &page.entries.v[i];
        if (e->object != NULL) {
            fill_version(c, e->object, in->encoding_type, owner, out);
        } else {
            arena_push(c->arena, &out->common_prefixes)->prefix =
                shown(c, in->encoding_type, e->prefix);
        }
    }
    FILL_HEAD(c, in, out, &walk, &page);
    out->key_marker =
        shown(c, in->encoding_type, in->key_marker.p != NULL ? in->key_marker : S(""));
    out->version_id_marker = in->version_id_marker.p != NULL ? in->version_id_marker : S("");
    if (page.truncated && page.entries.n > 0) {
        const struct s3_walk_entry *last = &page.entries.v[page.entries.n - 1];
        out->next_key_marker = shown(c, in->encoding_type, last_shown(&page));
        out->next_version_id_marker = last->object != NULL ? last->object->version : STR_NONE;
    }
    return 0;
}

int s3_list_multipart_uploads(struct call *c, const struct s3_list_multipart_uploads_request *in,
                              struct s3_list_multipart_uploads_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_walk walk = {.bucket = in->bucket, .prefix = in->prefix, .delimiter = in->delimiter};
    struct s3_walk_page page;
    struct s3_upload_row marker;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        check_encoding(in->encoding_type, err) < 0 ||
        page_size(in->has_max_uploads, in->max_uploads, &walk.max, err) < 0) {
        return -1;
    }
    walk.from = behind_marker(c, in->key_marker, in->delimiter);
    int found = in->upload_id_marker.n == 0
                    ? 0
                    : s3_upload_find(c->db, c->arena, in->bucket, in->key_marker,
                                     in->upload_id_marker, &marker, err);
    if (found == 1) {
        walk.from = in->key_marker;
        walk.seq = marker.seq;
    }
    if (found < 0 || s3_walk(c->db, c->arena, S3_WALK_UPLOADS, &walk, &page, err) < 0) {
        return -1;
    }
    struct s3_owner *owner = s3_owner_of(c, b.account);
    for (size_t i = 0; i < page.entries.n; i++) {
        const struct s3_walk_entry *e = &page.entries.v[i];
        if (e->upload == NULL) {
            arena_push(c->arena, &out->common_prefixes)->prefix =
                shown(c, in->encoding_type, e->prefix);
            continue;
        }
        struct s3_multipart_upload *u = arena_push(c->arena, &out->uploads);
        struct str storage = str_map_get(&e->upload->attr.headers, S("x-amz-storage-class"));
        u->upload_id = e->upload->id;
        u->key = shown(c, in->encoding_type, e->upload->key);
        u->initiated = e->upload->created_ms;
        u->has_initiated = true;
        u->storage_class = storage.p != NULL ? storage : S("STANDARD");
        u->owner = owner;
    }
    out->bucket = in->bucket;
    out->prefix = shown(c, in->encoding_type, in->prefix);
    out->delimiter = shown(c, in->encoding_type, in->delimiter);
    out->key_marker =
        shown(c, in->encoding_type, in->key_marker.p != NULL ? in->key_marker : S(""));
    out->upload_id_marker = in->upload_id_marker.p != NULL ? in->upload_id_marker : S("");
    out->encoding_type = in->encoding_type;
    out->max_uploads = (int32_t)walk.max;
    out->has_max_uploads = true;
    out->is_truncated = page.truncated;
    out->has_is_truncated = true;
    if (page.truncated && page.entries.n > 0) {
        const struct s3_walk_entry *last = &page.entries.v[page.entries.n - 1];
        out->next_key_marker = shown(c, in->encoding_type, last_shown(&page));
        out->next_upload_id_marker = last->upload != NULL ? last->upload->id : STR_NONE;
    }
    return 0;
}
