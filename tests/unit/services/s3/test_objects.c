/* Objects: what goes in comes out, versions, conditions, ranges, copies, multipart uploads. */
#include "s3_fixture.h"

THUNK(put_bucket_versioning)
THUNK(head_object)
THUNK(delete_object)
THUNK(delete_objects)
THUNK(copy_object)
THUNK(list_object_versions)
THUNK(create_multipart_upload)
THUNK(upload_part)
THUNK(upload_part_copy)
THUNK(complete_multipart_upload)
THUNK(abort_multipart_upload)
THUNK(list_parts)
THUNK(list_multipart_uploads)
THUNK(get_object_attributes)

static void set_versioning(const char *bucket, const char *status) {
    struct s3_versioning_configuration config = {.status = str_c(status)};
    struct s3_put_bucket_versioning_request in = {.bucket = str_c(bucket),
                                                  .versioning_configuration = &config};
    struct s3_put_bucket_versioning_output out;
    ok(RUN(put_bucket_versioning, &in, &out));
}

static void test_an_object_comes_back_with_tag_headers_and_metadata(void **state) {
    (void)state;
    struct str_pair meta[] = {{S("Owner"), S("me")}};
    struct s3_put_object_request in = {.bucket = S("b-1"),
                                       .key = S("a/b c"),
                                       .content_type = S("text/plain"),
                                       .content_encoding = S("aws-chunked,gzip"),
                                       .tagging = S("k=v%20w"),
                                       .metadata = {meta, 1}};
    struct s3_put_object_output put_out;
    struct s3_get_object_request get_in = {
        .bucket = S("b-1"), .key = S("a/b c"), .checksum_mode = S("ENABLED")};
    struct s3_get_object_output out;
    make_bucket("b-1");
    ok(RUN_BODY(put_object, &in, &put_out, S("hello")));
    assert_str(put_out.etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_str(put_out.server_side_encryption, "AES256");
    assert_null(put_out.version_id.p);
    ok(RUN(get_object, &get_in, &out));
    assert_str(reply_text(), "hello");
    assert_str(out.content_type, "text/plain");
    assert_str(out.content_encoding, "gzip");
    assert_str(str_map_get(&out.metadata, S("owner")), "me");
    assert_int_equal(out.content_length, 5);
    assert_int_equal(out.tag_count, 1);
    assert_int_equal(out.last_modified, NOW_MS);
    assert_str(out.checksum_type, "FULL_OBJECT");
    assert_true(out.checksum_crc64nvme.n == 12);
}

static void test_missing_objects_have_their_own_errors(void **state) {
    (void)state;
    struct s3_get_object_request in = {.bucket = S("none"), .key = S("k")};
    struct s3_get_object_output out;
    refused(RUN(get_object, &in, &out), "NoSuchBucket", 404);
    make_bucket("b-1");
    in.bucket = S("b-1");
    refused(RUN(get_object, &in, &out), "NoSuchKey", 404);
    in.version_id = S("gone");
    refused(RUN(get_object, &in, &out), "NoSuchVersion", 404);
    in.expected_bucket_owner = S("222222222222");
    refused(RUN(get_object, &in, &out), "AccessDenied", 403);
}

static void test_conditional_writes_take_a_lock_once(void **state) {
    (void)state;
    struct s3_put_object_request in = {
        .bucket = S("b-1"), .key = S("state.tflock"), .if_none_match = S("*")};
    struct s3_put_object_output out;
    make_bucket("b-1");
    ok(RUN_BODY(put_object, &in, &out, S("mine")));
    struct str etag = out.etag;
    refused(RUN_BODY(put_object, &in, &out, S("other")), "PreconditionFailed", 412);
    assert_str(get("b-1", "state.tflock", STR_NONE), "mine");
    in.if_none_match = STR_NONE;
    in.if_match = S("\"nope\"");
    refused(RUN_BODY(put_object, &in, &out, S("other")), "PreconditionFailed", 412);
    in.key = S("gone");
    refused(RUN_BODY(put_object, &in, &out, S("other")), "NoSuchKey", 404);
    in.key = S("state.tflock");
    in.if_match = etag;
    ok(RUN_BODY(put_object, &in, &out, S("other")));
}

static void test_conditional_reads_answer_304_and_412(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_put_object_output p = put("b-1", "k", "x");
    struct s3_head_object_request in = {.bucket = S("b-1"), .key = S("k"), .if_none_match = p.etag};
    struct s3_head_object_output out;
    ok(RUN(head_object, &in, &out));
    assert_int_equal(last.reply_status, 304);
    in.if_none_match = STR_NONE;
    in.if_match = S("\"other\"");
    refused(RUN(head_object, &in, &out), "PreconditionFailed", 412);
    in.if_match = STR_NONE;
    in.has_if_modified_since = true;
    in.if_modified_since = NOW_MS;
    ok(RUN(head_object, &in, &out));
    assert_int_equal(last.reply_status, 304);
    in.if_modified_since -= 1000;
    ok(RUN(head_object, &in, &out));
    assert_int_equal(last.reply_status, 0);
}

static void assert_range(const char *range, const char *text, const char *content_range) {
    struct s3_get_object_request in = {.bucket = S("b-1"), .key = S("k"), .range = str_c(range)};
    struct s3_get_object_output out;
    ok(RUN(get_object, &in, &out));
    assert_str(reply_text(), text);
    assert_int_equal(last.reply_status, content_range != NULL ? 206 : 0);
    if (content_range != NULL) {
        assert_str(out.content_range, content_range);
    }
}

static void test_ranges_are_parts_of_the_object(void **state) {
    (void)state;
    make_bucket("b-1");
    put("b-1", "k", "0123456789");
    assert_range("bytes=0-5242879", "0123456789", "bytes 0-9/10");
    assert_range("bytes=2-4", "234", "bytes 2-4/10");
    assert_range("bytes=8-", "89", "bytes 8-9/10");
    assert_range("bytes=-3", "789", "bytes 7-9/10");
    assert_range("bytes=4-2", "0123456789", NULL);
    assert_range("bytes=0-1,3-4", "0123456789", NULL);
    struct s3_get_object_request in = {.bucket = S("b-1"), .key = S("k"), .range = S("bytes=10-")};
    struct s3_get_object_output out;
    refused(RUN(get_object, &in, &out), "InvalidRange", 416);
}

static void test_versions_and_delete_markers(void **state) {
    (void)state;
    make_bucket("b-1");
    put("b-1", "k", "null version");
    set_versioning("b-1", "Enabled");
    struct s3_put_object_output one = put("b-1", "k", "one");
    struct s3_put_object_output two = put("b-1", "k", "two");
    struct s3_delete_object_request delete = {.bucket = S("b-1"), .key = S("k")};
    struct s3_delete_object_output marker;
    ok(RUN(delete_object, &delete, &marker));
    assert_true(marker.delete_marker);
    struct s3_get_object_request in = {.bucket = S("b-1"), .key = S("k")};
    struct s3_get_object_output out;
    refused(RUN(get_object, &in, &out), "NoSuchKey", 404);
    in.version_id = marker.version_id;
    refused(RUN(get_object, &in, &out), "MethodNotAllowed", 405);
    assert_str(get("b-1", "k", one.version_id), "one");
    assert_str(get("b-1", "k", S("null")), "null version");
    delete.version_id = marker.version_id;
    ok(RUN(delete_object, &delete, &marker));
    assert_true(marker.delete_marker);
    assert_str(get("b-1", "k", STR_NONE), "two");
    delete.version_id = two.version_id;
    ok(RUN(delete_object, &delete, &marker));
    assert_str(get("b-1", "k", STR_NONE), "one");
    set_versioning("b-1", "Suspended");
    struct s3_put_object_output suspended = put("b-1", "k", "new null");
    assert_str(suspended.version_id, "null");
    assert_str(get("b-1", "k", S("null")), "new null");
    struct s3_list_object_versions_request list = {.bucket = S("b-1")};
    struct s3_list_object_versions_output versions;
    ok(RUN(list_object_versions, &list, &versions));
    assert_int_equal(versions.versions.n, 2);
    assert_true(versions.versions.v[0].is_latest);
    assert_str(versions.versions.v[0].version_id, "null");
    assert_false(versions.versions.v[1].is_latest);
}

static void test_versions_come_in_pages_inside_a_key(void **state) {
    (void)state;
    make_bucket("b-1");
    set_versioning("b-1", "Enabled");
    for (int i = 0; i < 5; i++) {
        put("b-1", i < 3 ? "a" : "b", "x");
    }
    struct s3_list_object_versions_request in = {
        .bucket = S("b-1"), .has_max_keys = true, .max_keys = 2};
    struct s3_list_object_versions_output out;
    size_t seen = 0;
    do {
        ok(RUN(list_object_versions, &in, &out));
        seen += out.versions.n;
        assert_true(out.versions.n <= 2);
        in.key_marker = out.next_key_marker;
        in.version_id_marker = out.next_version_id_marker;
    } while (out.is_truncated && seen < 10);
    assert_int_equal(seen, 5);
}

static void test_digests_of_the_request_are_checked(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_put_object_request in = {
        .bucket = S("b-1"), .key = S("k"), .content_md5 = S("XUFAKrxLKna5cZ2REBfFkg==")};
    struct s3_put_object_output out;
    ok(RUN_BODY(put_object, &in, &out, S("hello")));
    refused(RUN_BODY(put_object, &in, &out, S("hallo")), "BadDigest", 400);
    in.content_md5 = S("short");
    refused(RUN_BODY(put_object, &in, &out, S("hello")), "InvalidDigest", 400);
    in.content_md5 = STR_NONE;
    in.checksum_crc32 = S("NhCmhg==");
    ok(RUN_BODY(put_object, &in, &out, S("hello")));
    assert_str(out.checksum_crc32, "NhCmhg==");
    refused(RUN_BODY(put_object, &in, &out, S("hallo")), "BadDigest", 400);
    in.checksum_crc32 = STR_NONE;
    in.checksum_sha256 = S("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    ok(RUN_BODY(put_object, &in, &out, S("hello")));
    assert_str(get("b-1", "k", STR_NONE), "hello");
}

static void test_a_copy_keeps_or_replaces_what_is_asked(void **state) {
    (void)state;
    make_bucket("b-1");
    struct str_pair meta[] = {{S("a"), S("1")}};
    struct s3_put_object_request in = {.bucket = S("b-1"),
                                       .key = S("from me"),
                                       .content_type = S("text/x"),
                                       .metadata = {meta, 1}};
    struct s3_put_object_output put_out;
    ok(RUN_BODY(put_object, &in, &put_out, S("bytes")));
    struct s3_copy_object_request copy = {
        .bucket = S("b-1"), .key = S("to"), .copy_source = S("/b-1/from%20me")};
    struct s3_copy_object_output out;
    ok(RUN(copy_object, &copy, &out));
    assert_true(str_eq(out.copy_object_result->etag, put_out.etag));
    struct s3_head_object_request head = {.bucket = S("b-1"), .key = S("to")};
    struct s3_head_object_output headed;
    ok(RUN(head_object, &head, &headed));
    assert_str(headed.content_type, "text/x");
    assert_str(str_map_get(&headed.metadata, S("a")), "1");
    copy.metadata_directive = S("REPLACE");
    copy.content_type = S("text/y");
    ok(RUN(copy_object, &copy, &out));
    ok(RUN(head_object, &head, &headed));
    assert_str(headed.content_type, "text/y");
    assert_int_equal(headed.metadata.n, 0);
    struct s3_copy_object_request self = {
        .bucket = S("b-1"), .key = S("to"), .copy_source = S("b-1/to")};
    refused(RUN(copy_object, &self, &out), "InvalidRequest", 400);
    copy.copy_source = S("nokey");
    refused(RUN(copy_object, &copy, &out), "InvalidArgument", 400);
    copy.copy_source = S("b-1/gone");
    refused(RUN(copy_object, &copy, &out), "NoSuchKey", 404);
}

static struct str begin_upload(const char *key, const char *algorithm) {
    struct s3_create_multipart_upload_request in = {
        .bucket = S("b-1"),
        .key = str_c(key),
        .content_type = S("text/m"),
        .checksum_algorithm = algorithm != NULL ? str_c(algorithm) : STR_NONE};
    struct s3_create_multipart_upload_output out;
    ok(RUN(create_multipart_upload, &in, &out));
    return out.upload_id;
}

static struct s3_completed_part send_part(const char *key, struct str id, int number,
                                          struct str body) {
    struct s3_upload_part_request in = {.bucket = S("b-1"),
                                        .key = str_c(key),
                                        .upload_id = id,
                                        .part_number = number,
                                        .has_part_number = true};
    struct s3_upload_part_output out;
    ok(RUN_BODY(upload_part, &in, &out, body));
    return (struct s3_completed_part){
        .etag = out.etag, .part_number = number, .has_part_number = true};
}

static int complete(const char *key, struct str id, struct s3_completed_part *parts, size_t n,
                    struct s3_complete_multipart_upload_output *out) {
    struct s3_completed_multipart_upload list = {{parts, n}};
    struct s3_complete_multipart_upload_request in = {
        .bucket = S("b-1"), .key = str_c(key), .upload_id = id, .multipart_upload = &list};
    return RUN(complete_multipart_upload, &in, out);
}

enum { BIG = 5 * 1024 * 1024 };

static struct str big_body(const char *tail) {
    char *p = arena_alloc(&arena, BIG + strlen(tail));
    memset(p, 'x', BIG);
    memcpy(p + BIG, tail, strlen(tail));
    return str_n(p, BIG + strlen(tail));
}

static void test_parts_become_one_object(void **state) {
    (void)state;
    make_bucket("b-1");
    struct str id = begin_upload("big", NULL);
    struct s3_completed_part parts[2];
    parts[1] = send_part("big", id, 7, S("tail"));
    parts[0] = send_part("big", id, 2, big_body(""));
    struct s3_complete_multipart_upload_output out;
    ok(complete("big", id, parts, 2, &out));
    assert_true(str_ends(out.etag, S("-2\"")));
    struct s3_get_object_request in = {
        .bucket = S("b-1"), .key = S("big"), .range = S("bytes=5242878-5242883")};
    struct s3_get_object_output got;
    ok(RUN(get_object, &in, &got));
    assert_str(reply_text(), "xxtail");
    assert_str(got.content_type, "text/m");
    in.range = STR_NONE;
    in.has_part_number = true;
    in.part_number = 2;
    ok(RUN(get_object, &in, &got));
    assert_str(reply_text(), "tail");
    assert_int_equal(got.parts_count, 2);
    in.part_number = 3;
    refused(RUN(get_object, &in, &got), "InvalidPartNumber", 416);
    refused(complete("big", id, parts, 2, &out), "NoSuchUpload", 404);
}

static void test_checksum_of_the_whole_is_computed_from_the_parts(void **state) {
    (void)state;
    static const char *const algorithms[] = {"CRC64NVME", "CRC32", "CRC32C"};
    make_bucket("b-1");
    for (size_t i = 0; i < 3; i++) {
        struct s3_create_multipart_upload_request in = {.bucket = S("b-1"),
                                                        .key = S("k"),
                                                        .checksum_algorithm = str_c(algorithms[i]),
                                                        .checksum_type = S("FULL_OBJECT")};
        struct s3_create_multipart_upload_output begun;
        ok(RUN(create_multipart_upload, &in, &begun));
        struct s3_completed_part parts[2];
        parts[0] = send_part("k", begun.upload_id, 1, big_body(""));
        parts[1] = send_part("k", begun.upload_id, 2, S("tail"));
        struct s3_complete_multipart_upload_output done;
        ok(complete("k", begun.upload_id, parts, 2, &done));
        struct s3_put_object_request whole = {.bucket = S("b-1"),
                                              .key = S("whole"),
                                              .checksum_crc64nvme = done.checksum_crc64nvme,
                                              .checksum_crc32 = done.checksum_crc32,
                                              .checksum_crc32c = done.checksum_crc32c};
        struct s3_put_object_output out;
        ok(RUN_BODY(put_object, &whole, &out, big_body("tail")));
        refused(RUN_BODY(put_object, &whole, &out, big_body("tale")), "BadDigest", 400);
    }
}

static void test_wrong_lists_of_parts_are_refused(void **state) {
    (void)state;
    make_bucket("b-1");
    struct str id = begin_upload("k", "SHA256");
    struct s3_completed_part one = send_part("k", id, 1, S("small"));
    struct s3_completed_part two = send_part("k", id, 2, S("tail"));
    struct s3_complete_multipart_upload_output out;
    refused(complete("k", id, (struct s3_completed_part[]){one, two}, 2, &out), "EntityTooSmall",
            400);
    refused(complete("k", id, (struct s3_completed_part[]){two, one}, 2, &out), "InvalidPartOrder",
            400);
    struct s3_completed_part wrong = one;
    wrong.etag = S("\"00000000000000000000000000000000\"");
    refused(complete("k", id, &wrong, 1, &out), "InvalidPart", 400);
    refused(complete("k", id, NULL, 0, &out), "InvalidRequest", 400);
    refused(complete("k", S("nope"), &one, 1, &out), "NoSuchUpload", 404);
    ok(complete("k", id, &one, 1, &out));
    assert_str(out.checksum_type, "COMPOSITE");
    assert_true(str_ends(out.checksum_sha256, S("-1")));
}

static void test_uploads_and_parts_are_listed_and_aborted(void **state) {
    (void)state;
    make_bucket("b-1");
    struct str id = begin_upload("k", NULL);
    begin_upload("other", NULL);
    send_part("k", id, 1, S("a"));
    send_part("k", id, 3, S("b"));
    send_part("k", id, 3, S("c"));
    struct s3_list_parts_request in = {
        .bucket = S("b-1"), .key = S("k"), .upload_id = id, .has_max_parts = true, .max_parts = 1};
    struct s3_list_parts_output out;
    ok(RUN(list_parts, &in, &out));
    assert_true(out.is_truncated);
    assert_int_equal(out.next_part_number_marker, 1);
    in.has_part_number_marker = true;
    in.part_number_marker = 1;
    ok(RUN(list_parts, &in, &out));
    assert_false(out.is_truncated);
    assert_int_equal(out.parts.v[0].part_number, 3);
    struct s3_list_multipart_uploads_request list = {.bucket = S("b-1")};
    struct s3_list_multipart_uploads_output uploads;
    ok(RUN(list_multipart_uploads, &list, &uploads));
    assert_int_equal(uploads.uploads.n, 2);
    struct s3_abort_multipart_upload_request abort_in = {
        .bucket = S("b-1"), .key = S("k"), .upload_id = id};
    struct s3_abort_multipart_upload_output aborted;
    ok(RUN(abort_multipart_upload, &abort_in, &aborted));
    refused(RUN(list_parts, &in, &out), "NoSuchUpload", 404);
    assert_int_equal(s3_trash_empty(db, dir, 100, &err), 3);
    assert_int_equal(s3_trash_empty(db, dir, 100, &err), 0);
}

static void test_copied_parts_take_a_range_of_their_source(void **state) {
    (void)state;
    make_bucket("b-1");
    put("b-1", "from", "0123456789");
    struct str id = begin_upload("to", NULL);
    struct s3_upload_part_copy_request in = {.bucket = S("b-1"),
                                             .key = S("to"),
                                             .copy_source = S("b-1/from"),
                                             .copy_source_range = S("bytes=3-50"),
                                             .upload_id = id,
                                             .part_number = 1,
                                             .has_part_number = true};
    struct s3_upload_part_copy_output out;
    refused(RUN(upload_part_copy, &in, &out), "InvalidArgument", 400);
    in.copy_source_range = S("bytes=3-5");
    ok(RUN(upload_part_copy, &in, &out));
    struct s3_completed_part part = {
        .etag = out.copy_part_result->etag, .part_number = 1, .has_part_number = true};
    struct s3_complete_multipart_upload_output done;
    ok(complete("to", id, &part, 1, &done));
    assert_str(get("b-1", "to", STR_NONE), "345");
}

static void test_many_keys_are_deleted_at_once(void **state) {
    (void)state;
    make_bucket("b-1");
    put("b-1", "a", "x");
    put("b-1", "b", "x");
    struct s3_object_identifier ids[] = {{.key = S("a")}, {.key = S("nope")}};
    struct s3_delete what = {.objects = {ids, 2}};
    struct s3_delete_objects_request in = {.bucket = S("b-1"), .delete = &what};
    struct s3_delete_objects_output out;
    ok(RUN(delete_objects, &in, &out));
    assert_int_equal(out.deleted.n, 2);
    assert_int_equal(out.errors.n, 0);
    assert_str(get("b-1", "b", STR_NONE), "x");
    struct s3_get_object_request gone = {.bucket = S("b-1"), .key = S("a")};
    struct s3_get_object_output got;
    refused(RUN(get_object, &gone, &got), "NoSuchKey", 404);
}

static void test_replaced_contents_go_and_orphans_are_swept(void **state) {
    (void)state;
    make_bucket("b-1");
    put_large("b-1", "k", '1');
    put_large("b-1", "k", '2');
    assert_int_equal(s3_trash_empty(db, dir, 100, &err), 1);
    assert_true(str_eq(get("b-1", "k", STR_NONE), large_body('2', "")));
    char path[160];
    snprintf(path, sizeof(path), "%s/s3/00", dir);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/s3/00/00leftover", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    int64_t later = clock_now_ms(&clock_system) + 10000;
    assert_int_equal(s3_sweep(db, dir, later, &err), 1);
    assert_true(str_eq(get("b-1", "k", STR_NONE), large_body('2', "")));
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_run(db, &err, "DELETE FROM s3_object", ""), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(s3_sweep(db, dir, 1000, &err), 0);
    assert_int_equal(s3_sweep(db, dir, later, &err), 1);
}

static int files;

static int count_files(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)path;
    (void)st;
    (void)at;
    files += type == FTW_F;
    return 0;
}

static int count(void) {
    files = 0;
    nftw(dir, count_files, 8, FTW_PHYS);
    return files;
}

static void test_small_contents_lie_in_their_row_and_large_ones_in_files(void **state) {
    (void)state;
    make_bucket("b-1");
    struct str bodies[] = {S(""), S("small"), str_sub(large_body('x', ""), 0, S3_INLINE_MAX),
                           large_body('y', "tail")};
    for (size_t i = 0; i < 4; i++) {
        struct s3_put_object_request in = {.bucket = S("b-1"), .key = S("k")};
        struct s3_put_object_output put_out;
        ok(RUN_BODY(put_object, &in, &put_out, bodies[i]));
        assert_true(str_eq(get("b-1", "k", STR_NONE), bodies[i]));
        struct s3_copy_object_request copy = {
            .bucket = S("b-1"), .key = S("copy"), .copy_source = S("b-1/k")};
        struct s3_copy_object_output copied;
        ok(RUN(copy_object, &copy, &copied));
        assert_true(str_eq(get("b-1", "copy", STR_NONE), bodies[i]));
        assert_int_equal(count(), i < 3 ? 0 : 2);
        struct s3_get_object_request part = {
            .bucket = S("b-1"), .key = S("k"), .range = S("bytes=-3")};
        struct s3_get_object_output out;
        if (bodies[i].n > 0) {
            ok(RUN(get_object, &part, &out));
            assert_true(str_eq(reply_text(), str_sub(bodies[i], bodies[i].n - 3, 3)));
        }
    }
}

static void test_a_refused_upload_leaves_no_file(void **state) {
    (void)state;
    make_bucket("b-1");
    struct s3_put_object_request in = {
        .bucket = S("b-1"), .key = S("k"), .content_md5 = S("XUFAKrxLKna5cZ2REBfFkg==")};
    struct s3_put_object_output out;
    refused(RUN_BODY(put_object, &in, &out, large_body('x', "")), "BadDigest", 400);
    assert_int_equal(count(), 0);
}

static void test_jobs_delete_what_nobody_names(void **state) {
    (void)state;
    struct service_env env = {.db = db, .clock = &clock_system, .data_dir = dir};
    struct queue_kind kinds[S3_KINDS];
    struct queue *queue = NULL;
    s3_queue_kinds(&env, kinds);
    ok(queue_open(db, &clock_system, kinds, S3_KINDS, &queue, &err));
    make_bucket("b-1");
    put_large("b-1", "k", '1');
    put_large("b-1", "k", '2');
    assert_int_equal(count(), 2);
    assert_int_equal(queue_run_due(queue), 1);
    assert_int_equal(count(), 1);
    ok(s3_start(&env, &err));
    ok(s3_start(&env, &err));
    assert_int_equal(queue_run_due(queue), 2);
    assert_true(str_eq(get("b-1", "k", STR_NONE), large_body('2', "")));
    queue_stop(queue);
}

static void test_attributes_tell_what_was_asked(void **state) {
    (void)state;
    make_bucket("b-1");
    put("b-1", "k", "hello");
    struct str names[] = {S("ETag"), S("ObjectSize"), S("Checksum")};
    struct s3_get_object_attributes_request in = {
        .bucket = S("b-1"), .key = S("k"), .object_attributes = {names, 3}};
    struct s3_get_object_attributes_output out;
    ok(RUN(get_object_attributes, &in, &out));
    assert_str(out.etag, "5d41402abc4b2a76b9719d911017c592");
    assert_int_equal(out.object_size, 5);
    assert_int_equal(out.checksum->checksum_crc64nvme.n, 12);
    assert_null(out.storage_class.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_an_object_comes_back_with_tag_headers_and_metadata),
        CASE(test_missing_objects_have_their_own_errors),
        CASE(test_conditional_writes_take_a_lock_once),
        CASE(test_conditional_reads_answer_304_and_412),
        CASE(test_ranges_are_parts_of_the_object),
        CASE(test_versions_and_delete_markers),
        CASE(test_versions_come_in_pages_inside_a_key),
        CASE(test_digests_of_the_request_are_checked),
        CASE(test_a_copy_keeps_or_replaces_what_is_asked),
        CASE(test_parts_become_one_object),
        CASE(test_checksum_of_the_whole_is_computed_from_the_parts),
        CASE(test_wrong_lists_of_parts_are_refused),
        CASE(test_uploads_and_parts_are_listed_and_aborted),
        CASE(test_copied_parts_take_a_range_of_their_source),
        CASE(test_many_keys_are_deleted_at_once),
        CASE(test_replaced_contents_go_and_orphans_are_swept),
        CASE(test_small_contents_lie_in_their_row_and_large_ones_in_files),
        CASE(test_a_refused_upload_leaves_no_file),
        CASE(test_jobs_delete_what_nobody_names),
        CASE(test_attributes_tell_what_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
