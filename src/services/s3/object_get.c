/* GetObject, HeadObject and GetObjectAttributes. */
#include "services/s3/s3.h"

#include "services/s3/content.h"
#include "services/s3/precondition.h"

/* What Get and Head have in common; their generated structs differ in members that do not matter
 * here. */
struct read_wish {
    struct str bucket;
    struct str key;
    struct str version;
    struct str owner;
    struct str range;
    struct str checksum_mode;
    int64_t part; /* 0 = none */
    struct s3_precondition want;
};

struct read_result {
    struct s3_bucket_row bucket;
    struct s3_object_row object;
    int64_t first;
    int64_t size;
    bool partial;
    int64_t parts; /* of a multipart upload when a part was asked for; 0 = none */
};

/* Offset and size of part `number`; false if there is no such part. */
static bool part_place(const struct s3_object_row *o, int64_t number, struct read_result *ret) {
    struct str rest = o->parts;
    struct str part;
    int64_t at = 0;
    bool found = false;
    while (str_cut(&rest, ',', &part)) {
        long long size = 0;
        str_to_i64(str_sub(part, 0, str_find_c(part, ':', 0)), &size);
        if (++ret->parts == number) {
            ret->first = at;
            ret->size = size;
            found = true;
        }
        at += size;
    }
    if (o->parts.p == NULL && number == 1) { /* not multipart: the whole is part 1 */
        ret->size = o->size;
        return true;
    }
    return found;
}

static int select_bytes(const struct read_wish *wish, struct read_result *ret, struct err *err) {
    ret->size = ret->object.size;
    if (wish->part != 0) {
        ret->partial = true;
        if (!part_place(&ret->object, wish->part, ret)) {
            return err_api(err, &s3e_InvalidPartNumber,
                           "The requested partnumber is not satisfiable");
        }
        return 0;
    }
    if (wish->range.p == NULL) {
        return 0;
    }
    enum s3_range_kind kind =
        s3_range_parse(wish->range, ret->object.size, &ret->first, &ret->size);
    if (kind == S3_RANGE_NONE) {
        return err_api(err, &s3e_InvalidRange, "The requested range is not satisfiable");
    }
    ret->partial = kind == S3_RANGE_PART;
    return 0;
}

/* 1 go on, 0 answered with 304, -1 error. */
static int find_bytes(struct call *c, const struct read_wish *wish, struct read_result *ret,
                      struct err *err) {
    if (s3_need_bucket(c, wish->bucket, wish->owner, &ret->bucket, err) < 0 ||
        s3_need_object(c, wish->bucket, wish->key, wish->version, &ret->object, err) < 0) {
        return -1;
    }
    enum s3_verdict verdict =
        s3_precondition_read(&wish->want, ret->object.etag, ret->object.modified_ms);
    if (verdict == S3_FAILED) {
        return err_api(err, &s3e_PreconditionFailed,
                       "At least one of the pre-conditions you specified did not hold");
    }
    if (verdict == S3_NOT_MODIFIED) {
        c->reply_status = 304;
        return 0;
    }
    return select_bytes(wish, ret, err) < 0 ? -1 : 1;
}

static struct str content_range(struct call *c, const struct read_result *r) {
    if (!r->partial) {
        return STR_NONE;
    }
    c->reply_status = 206;
    if (r->size == 0) {
        return STR_NONE;
    }
    return str_printf(c->arena, "bytes %lld-%lld/%lld", (long long)r->first,
                      (long long)(r->first + r->size - 1), (long long)r->object.size);
}

/* Fields that both answers have; a macro, because the generated structs are two types. */
#define FILL_COMMON(c, out, r)                                                                     \
    do {                                                                                           \
        (out)->etag = s3_quoted((c)->arena, (r)->object.etag);                                     \
        (out)->last_modified = (r)->object.modified_ms;                                            \
        (out)->has_last_modified = true;                                                           \
        (out)->version_id = s3_shown_version(&(r)->bucket, (r)->object.version);                   \
        (out)->accept_ranges = S("bytes");                                                         \
    } while (0)

#define FILL_WHOLE(c, out, r)                                                                      \
    do {                                                                                           \
        s3_attributes_give((c), (c)->op->out, (out), &(r)->object.attr);                           \
        if ((out)->content_type.p == NULL) {                                                       \
            (out)->content_type = S("binary/octet-stream");                                        \
        }                                                                                          \
        (out)->content_length = (r)->size;                                                         \
        (out)->has_content_length = true;                                                          \
        (out)->content_range = content_range((c), (r));                                            \
        (out)->tag_count = (int32_t)(r)->object.attr.tags.n;                                       \
        (out)->has_tag_count = (r)->object.attr.tags.n > 0;                                        \
        (out)->parts_count = (int32_t)(r)->parts;                                                  \
        (out)->has_parts_count = (r)->parts > 0;                                                   \
    } while (0)

static void give_sum(struct call *c, const struct read_wish *wish, const struct read_result *r,
                     void *out) {
    if (str_ieq(wish->checksum_mode, S("ENABLED")) && !r->partial) {
        s3_sum_give(c->op->out, out, r->object.attr.sum_algorithm, r->object.sum,
                    r->object.attr.sum_type);
    }
}

static int reply_with(struct call *c, struct read_result *r, struct err *err) {
    c->reply_body.size = r->size;
    if (r->object.file.p != NULL) {
        c->reply_body.offset = r->first;
        return s3_content_open(c->data_dir, r->object.file, &c->reply_body.fd, err);
    }
    if (s3_object_data(c->db, c->arena, &r->object, err) < 0) {
        return -1;
    }
    return s3_content_of(str_sub(r->object.data, (size_t)r->first, (size_t)r->size),
                         &c->reply_body.fd, err);
}

/* Of the requests of GetObject and HeadObject, generated structs with these members alike. */
#define READ_WISH(in)                                                                              \
    {                                                                                              \
        (in)->bucket, (in)->key, (in)->version_id, (in)->expected_bucket_owner, (in)->range,       \
            (in)->checksum_mode, (in)->has_part_number ? (in)->part_number : 0, {                  \
            (in)->if_match, (in)->if_none_match, (in)->has_if_modified_since,                      \
                (in)->if_modified_since, (in)->has_if_unmodified_since, (in)->if_unmodified_since  \
        }                                                                                          \
    }

int s3_get_object(struct call *c, const struct s3_get_object_request *in,
                  struct s3_get_object_output *out, struct err *err) {
    struct read_wish wish = READ_WISH(in);
    struct read_result r = {0};
    int go = find_bytes(c, &wish, &r, err);
    if (go < 0) {
        return -1;
    }
    FILL_COMMON(c, out, &r);
    if (go == 0) {
        return 0;
    }
    FILL_WHOLE(c, out, &r);
    give_sum(c, &wish, &r, out);
    const struct {
        struct str given;
        struct str *member;
    } overrides[] = {
        {in->response_cache_control, &out->cache_control},
        {in->response_content_disposition, &out->content_disposition},
        {in->response_content_encoding, &out->content_encoding},
        {in->response_content_language, &out->content_language},
        {in->response_content_type, &out->content_type},
    };
    for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
        if (overrides[i].given.p != NULL) {
            *overrides[i].member = overrides[i].given;
        }
    }
    if (in->has_response_expires) {
        out->expires = in->response_expires;
        out->has_expires = true;
    }
    return reply_with(c, &r, err);
}

int s3_head_object(struct call *c, const struct s3_head_object_request *in,
                   struct s3_head_object_output *out, struct err *err) {
    struct read_wish wish = READ_WISH(in);
    struct read_result r = {0};
    int go = find_bytes(c, &wish, &r, err);
    if (go < 0) {
        return -1;
    }
    FILL_COMMON(c, out, &r);
    if (go == 1) {
        FILL_WHOLE(c, out, &r);
        give_sum(c, &wish, &r, out);
    }
    return 0;
}

static struct s3_get_object_attributes_parts *attribute_parts(
    struct call *c, const struct s3_object_row *o,
    const struct s3_get_object_attributes_request *in) {
    if (o->parts.p == NULL) {
        return NULL;
    }
    struct s3_get_object_attributes_parts *parts =
        arena_new(c->arena, struct s3_get_object_attributes_parts);
    const struct shape_member *list =
        shape_find_member(shape_find_member(c->op->out, S("ObjectParts"))->shape, S("Parts"));
    int32_t after = in->has_part_number_marker ? in->part_number_marker : 0;
    int64_t max = in->has_max_parts ? in->max_parts : S3_PAGE_MAX;
    struct str rest = o->parts;
    struct str part;
    int32_t number = 0;
    while (str_cut(&rest, ',', &part)) {
        if (++number <= after) {
            continue;
        }
        if ((int64_t)parts->parts.n == max) {
            parts->is_truncated = true;
            continue;
        }
        long long size = 0;
        size_t colon = str_find_c(part, ':', 0);
        str_to_i64(str_sub(part, 0, colon), &size);
        struct s3_object_part *p = arena_push(c->arena, &parts->parts);
        p->part_number = number;
        p->has_part_number = true;
        p->size = size;
        p->has_size = true;
        struct str sum = colon == (size_t)-1 ? S("") : str_sub(part, colon + 1, part.n);
        s3_sum_give(list->shape->item, p, o->attr.sum_algorithm, sum.n > 0 ? sum : STR_NONE,
                    STR_NONE);
        parts->next_part_number_marker = number;
        parts->has_next_part_number_marker = true;
    }
    parts->total_parts_count = number;
    parts->has_total_parts_count = true;
    parts->has_is_truncated = true;
    parts->max_parts = (int32_t)max;
    parts->has_max_parts = true;
    parts->part_number_marker = after;
    parts->has_part_number_marker = true;
    return parts;
}

int s3_get_object_attributes(struct call *c, const struct s3_get_object_attributes_request *in,
                             struct s3_get_object_attributes_output *out, struct err *err) {
    struct s3_bucket_row b;
    struct s3_object_row o;
    if (s3_need_bucket(c, in->bucket, in->expected_bucket_owner, &b, err) < 0 ||
        s3_need_object(c, in->bucket, in->key, in->version_id, &o, err) < 0) {
        return -1;
    }
    out->last_modified = o.modified_ms;
    out->has_last_modified = true;
    out->version_id = s3_shown_version(&b, o.version);
    if (str_list_has(&in->object_attributes, S("ETag"))) {
        out->etag = o.etag;
    }
    if (str_list_has(&in->object_attributes, S("Checksum")) && o.sum.p != NULL) {
        const struct shape_member *m = shape_find_member(c->op->out, S("Checksum"));
        out->checksum = arena_new(c->arena, struct s3_checksum);
        s3_sum_give(m->shape, out->checksum, o.attr.sum_algorithm, o.sum, o.attr.sum_type);
    }
    if (str_list_has(&in->object_attributes, S("ObjectParts"))) {
        out->object_parts = attribute_parts(c, &o, in);
    }
    if (str_list_has(&in->object_attributes, S("StorageClass"))) {
        struct str stored = str_map_get(&o.attr.headers, S("x-amz-storage-class"));
        out->storage_class = stored.p != NULL ? stored : S("STANDARD");
    }
    if (str_list_has(&in->object_attributes, S("ObjectSize"))) {
        out->object_size = o.size;
        out->has_object_size = true;
    }
    return 0;
}
