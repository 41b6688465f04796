/* What is done to builds that have been (retry, delete), to builds that wait, and by whom else a
 * project is seen. No supervisor runs here. */
#include "../../cmocka_.h"

#include "flow/build/ingest.h"
#include "flow/build/store.h"
#include "flow/forge/store.h"
#include "flow/report/store.h"
#include "front/api/codebuild/codebuild.h"
#include "platform/os/file.h"
#include "services/core/seal.h"

#include <sched.h>
#include <stdatomic.h>

static struct arena arena;
static struct err err;
static const char *dir;
static struct clock_fake time_now;
static struct clock fake_time;
static struct flow flow;
static struct aws_principal principal;
static struct builds_config config = {.flow = &flow, .program = "/bin/false", .parallel = -1};

static int setup(void **state) {
    const struct db_schema schemas[] = {build_schema, forge_schema, queue_schema, report_schema};
    struct db *db = NULL;
    (void)state;
    arena_init(&arena);
    err = ERR_INIT;
    time_now = (struct clock_fake){.now_ms = 1795485120000, .mono_ms = 1};
    fake_time = clock_fake(&time_now);
    assert_int_equal(seal_load(NULL, &rng_system, &err), 0);
    assert_int_equal(dir_make_temp(&arena, "test_again", &dir, &err), 0);
    assert_int_equal(db_open("", schemas, 4, &db, &err), 0);
    flow = (struct flow){.db = db,
                         .clock = &fake_time,
                         .rng = &rng_system,
                         .data_dir = dir,
                         .url = S("http://127.0.0.1:1")};
    principal = (struct aws_principal){.kind = AWS_PRINCIPAL_USER,
                                       .account = S("111111111111"),
                                       .arn = S("arn:aws:iam::111111111111:user/ada")};
    codebuild_serve(&flow);
    assert_int_equal(db_begin(db, &err), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    db_rollback(flow.db);
    db_close(flow.db);
    assert_int_equal(tree_remove(dir, &err), 0);
    arena_done(&arena);
    return 0;
}

static struct call call_of(const struct shape_op *op) {
    err = ERR_INIT;
    return (struct call){.arena = &arena,
                         .db = flow.db,
                         .clock = &fake_time,
                         .rng = &rng_system,
                         .now_ms = time_now.now_ms,
                         .account = principal.account,
                         .region = S("eu-west-2"),
                         .principal = &principal,
                         .service = &codebuild_service,
                         .op = op};
}

#define OK(result)                                                                                 \
    do {                                                                                           \
        if ((result) < 0) {                                                                        \
            fail_msg("%s: %s", #result, err.msg);                                                  \
        }                                                                                          \
    } while (0)

#define REFUSED(result, error, part)                                                               \
    do {                                                                                           \
        assert_int_equal((result), -1);                                                            \
        if (err.api != &(error) || strstr(err.msg, part) == NULL) {                                \
            fail_msg("'%s' is not about '%s'", err.msg, part);                                     \
        }                                                                                          \
    } while (0)

static struct codebuild_project_source source;
static struct codebuild_project_artifacts artifacts;
static struct codebuild_project_environment environment;

static struct codebuild_create_project_input sample(void) {
    source = (struct codebuild_project_source){.type = S("NO_SOURCE"),
                                               .buildspec = S("version: 0.2\nphases: {}\n")};
    artifacts = (struct codebuild_project_artifacts){.type = S("NO_ARTIFACTS")};
    environment = (struct codebuild_project_environment){.type = S("LINUX_CONTAINER"),
                                                         .image = S("debian-bookworm-build"),
                                                         .compute_type = S("BUILD_GENERAL1_SMALL")};
    return (struct codebuild_create_project_input){.name = S("web"),
                                                   .source = &source,
                                                   .artifacts = &artifacts,
                                                   .environment = &environment,
                                                   .queued_timeout_in_minutes = 5,
                                                   .has_queued_timeout_in_minutes = true,
                                                   .service_role =
                                                       S("arn:aws:iam::111111111111:role/build")};
}

static int create(const struct codebuild_create_project_input *in, struct codebuild_project **ret) {
    struct call c = call_of(&codebuild_op_create_project);
    struct codebuild_create_project_output out = {0};
    int result = codebuild_create_project(&c, in, &out, &err);
    *ret = out.project;
    return result;
}

static int start(const char *token, struct codebuild_build **ret) {
    struct call c = call_of(&codebuild_op_start_build);
    struct codebuild_start_build_input in = {.project_name = S("web"),
                                             .idempotency_token = str_c(token)};
    struct codebuild_start_build_output out = {0};
    int result = codebuild_start_build(&c, &in, &out, &err);
    *ret = out.build;
    return result;
}

static int retry(struct str id, const char *token, struct codebuild_build **ret) {
    struct call c = call_of(&codebuild_op_retry_build);
    struct codebuild_retry_build_input in = {.id = id, .idempotency_token = str_c(token)};
    struct codebuild_retry_build_output out = {0};
    int result = codebuild_retry_build(&c, &in, &out, &err);
    *ret = out.build;
    return result;
}

static struct codebuild_build *get(struct str id) {
    struct call c = call_of(&codebuild_op_batch_get_builds);
    struct codebuild_batch_get_builds_input in = {.ids = {&id, 1}};
    struct codebuild_batch_get_builds_output out = {0};
    OK(codebuild_batch_get_builds(&c, &in, &out, &err));
    return out.builds.n == 1 ? &out.builds.v[0] : NULL;
}

static struct str uuid_of(struct str id) {
    return str_sub(id, 4, id.n); /* "web:" */
}

static void end(struct str id, const char *status) {
    struct ingest in = {.flow = &flow, .config = &config, .uuid = uuid_of(id)};
    OK(ingest_end(&in, status, "x", &err));
}

static void run_start(struct builds *b, struct str id, struct queue_job *ret_job) {
    struct queue_kind kind = builds_queue_kind(b);
    *ret_job = (struct queue_job){.key = uuid_of(id), .arena = &arena};
    OK(kind.run(kind.ud, ret_job, &err));
}

static struct codebuild_build *begin(void) {
    struct codebuild_create_project_input in = sample();
    struct codebuild_project *p = NULL;
    struct codebuild_build *b = NULL;
    OK(create(&in, &p));
    OK(start(NULL, &b));
    return b;
}

static void test_a_build_that_has_ended_is_retried_with_its_settings(void **state) {
    (void)state;
    struct codebuild_build *first = begin(), *second = NULL, *again = NULL;
    REFUSED(retry(first->id, NULL, &second), codebuild_InvalidInputException, "still in progress");
    end(first->id, "FAILED");
    struct call c = call_of(&codebuild_op_update_project);
    environment.image = S("another");
    struct codebuild_update_project_input change = {.name = S("web"), .environment = &environment};
    struct codebuild_update_project_output changed = {0};
    OK(codebuild_update_project(&c, &change, &changed, &err));
    OK(retry(first->id, "t1", &second));
    assert_int_equal(second->build_number, 2);
    assert_true(str_is(second->environment->image, "debian-bookworm-build"));
    assert_true(str_is(second->initiator, "ada"));
    assert_true(str_is(second->current_phase, "QUEUED"));
    OK(retry(first->arn, "t2", &again));
    assert_int_equal(again->build_number, 3);
    OK(retry(first->id, "t1", &again));
    assert_true(str_eq(again->id, second->id));
    end(second->id, "FAILED");
    REFUSED(retry(second->id, "t1", &again), codebuild_InvalidInputException,
            "Request parameter mismatch for idempotency token t1");
    REFUSED(retry(S("nonsense"), NULL, &again), codebuild_InvalidInputException,
            "Invalid build ID provided");
    REFUSED(retry(S("web:00000000-0000-0000-0000-000000000000"), NULL, &again),
            codebuild_ResourceNotFoundException, "does not exist");
}

static void test_a_pipelines_build_is_retried_by_its_stage(void **state) {
    (void)state;
    struct codebuild_build *b = begin(), *again = NULL;
    struct build_order order = {.account = S("111111111111"),
                                .region = S("eu-west-2"),
                                .project = S("web"),
                                .initiator = S("codepipeline/x")};
    struct str uuid = STR_NONE;
    (void)b;
    *arena_push(&arena, &order.inputs) =
        (struct build_artifact_location){.name = S("S"), .bucket = S("b"), .key = S("k")};
    OK(build_start(&flow, &arena, &order, &uuid, &err));
    struct str id = str_concat(&arena, S("web:"), uuid);
    end(id, "FAILED");
    REFUSED(retry(id, NULL, &again), codebuild_InvalidInputException, "retry the stage");
}

static void test_a_token_is_remembered_for_five_minutes(void **state) {
    (void)state;
    struct codebuild_build *a = NULL, *b = NULL;
    begin();
    OK(start("t", &a));
    time_now.now_ms += 5 * 60 * 1000;
    OK(start("t", &b));
    assert_true(str_eq(a->id, b->id));
    time_now.now_ms += 1;
    OK(start("t", &b));
    assert_false(str_eq(a->id, b->id));
    OK(start("t", &a));
    assert_true(str_eq(a->id, b->id));
}

static void test_no_more_builds_than_the_limit_also_by_retry(void **state) {
    (void)state;
    struct codebuild_create_project_input in = sample();
    struct codebuild_project *p = NULL;
    struct codebuild_build *one = NULL, *two = NULL;
    in.has_concurrent_build_limit = true;
    in.concurrent_build_limit = 0;
    REFUSED(create(&in, &p), codebuild_InvalidInputException, "concurrent build limit");
    in.concurrent_build_limit = 1;
    OK(create(&in, &p));
    OK(start(NULL, &one));
    REFUSED(start(NULL, &two), codebuild_AccountLimitExceededException,
            "Cannot have more than 1 builds in queue");
    end(one->id, "FAILED");
    OK(start(NULL, &two));
    struct codebuild_build *again = NULL;
    REFUSED(retry(one->id, NULL, &again), codebuild_AccountLimitExceededException,
            "Cannot have more than 1");
    struct call c = call_of(&codebuild_op_update_project);
    struct codebuild_update_project_input change = {
        .name = S("web"), .concurrent_build_limit = -1, .has_concurrent_build_limit = true};
    struct codebuild_update_project_output changed = {0};
    OK(codebuild_update_project(&c, &change, &changed, &err));
    OK(retry(one->id, NULL, &again));
}

static void test_deleting_takes_the_row_and_then_the_directory(void **state) {
    (void)state;
    struct codebuild_build *ended = begin(), *running = NULL;
    const char *path = str_printf(&arena, "%s/builds/" STR_FMT, dir, STR_ARG(uuid_of(ended->id))).p;
    struct builds *b = builds_new(&config);
    struct queue_job job;
    OK(start(NULL, &running));
    end(ended->id, "SUCCEEDED");
    OK(dir_make(str_printf(&arena, "%s/builds", dir).p, 0700, &err));
    OK(dir_make(path, 0700, &err));
    OK(file_write(str_printf(&arena, "%s/log", path).p, S("x"), 0600, &err));
    struct str ids[] = {ended->id, running->id, S("web:none")};
    struct call c = call_of(&codebuild_op_batch_delete_builds);
    struct codebuild_batch_delete_builds_input in = {.ids = {ids, 3}};
    struct codebuild_batch_delete_builds_output out = {0};
    OK(codebuild_batch_delete_builds(&c, &in, &out, &err));
    assert_int_equal(out.builds_deleted.n, 1);
    assert_true(str_eq(out.builds_deleted.v[0], ended->arn));
    assert_int_equal(out.builds_not_deleted.n, 2);
    assert_true(str_eq(out.builds_not_deleted.v[0].id, running->arn));
    assert_true(str_is(out.builds_not_deleted.v[0].status_code, "BUILD_IN_PROGRESS"));
    assert_true(str_is(out.builds_not_deleted.v[1].status_code, "BUILD_NOT_FOUND"));
    assert_null(get(ended->id));
    assert_non_null(get(running->id));
    run_start(b, ended->id, &job);
    assert_false(file_exists(path));
    run_start(b, ended->id, &job); /* again, as after a crash */
    builds_free(b);
}

static void test_a_build_ends_when_it_has_queued_for_too_long(void **state) {
    (void)state;
    struct codebuild_build *b = begin();
    struct builds *builds = builds_new(&config); /* parallel -1: there is never room */
    struct queue_job job;
    time_now.now_ms += 5 * 60 * 1000;
    run_start(builds, b->id, &job);
    assert_true(job.ended); /* and waits */
    assert_true(str_is(get(b->id)->build_status, "IN_PROGRESS"));
    time_now.now_ms += 1;
    run_start(builds, b->id, &job);
    assert_false(job.ended);
    b = get(b->id);
    assert_true(str_is(b->build_status, "TIMED_OUT"));
    assert_true(str_is(b->phases.v[1].phase_type, "QUEUED"));
    assert_true(str_is(b->phases.v[1].phase_status, "TIMED_OUT"));
    assert_int_equal(b->phases.v[1].duration_in_seconds, 300);
    builds_free(builds);
}

static int note_end(void *ud, struct db *db, struct arena *a, const struct build_row *row,
                    struct err *why) {
    (void)db;
    (void)a;
    (void)row;
    (void)why;
    atomic_store((atomic_bool *)ud, true);
    return 0;
}

/* A power failure took its directory, or parts of it; its commands may have run. */
static void test_a_build_of_another_boot_never_starts_again(void **state) {
    (void)state;
    struct codebuild_build *one = begin();
    atomic_bool ended = false;
    struct builds_config told = config;
    told.hooks = (struct build_hooks){note_end, &ended};
    struct builds *builds = builds_new(&told);
    struct queue_job job;
    OK(build_set_spawned(flow.db, uuid_of(one->id), S("another boot"), &err));
    run_start(builds, one->id, &job);
    assert_false(file_exists(str_printf(&arena, "%s/builds", dir).p));
    OK(db_commit(flow.db,
                 &err)); /* every test runs in a transaction, and now it is the thread's turn */
    OK(builds_watch(builds, &err));
    while (!ended) {
        sched_yield();
    }
    builds_free(builds);
    OK(db_begin(flow.db, &err));
    assert_true(str_is(get(one->id)->build_status, "FAULT"));
}

static void test_an_alias_is_kept_through_a_time_of_being_private(void **state) {
    (void)state;
    struct codebuild_create_project_input in = sample();
    struct codebuild_project *p = NULL;
    OK(create(&in, &p));
    struct call c = call_of(&codebuild_op_update_project_visibility);
    struct codebuild_update_project_visibility_input change = {
        .project_arn = p->arn, .project_visibility = S("PUBLIC_READ")};
    struct codebuild_update_project_visibility_output open = {0}, closed = {0}, again = {0};
    OK(codebuild_update_project_visibility(&c, &change, &open, &err));
    assert_true(open.public_project_alias.n > 20);
    change.project_visibility = S("PRIVATE");
    OK(codebuild_update_project_visibility(&c, &change, &closed, &err));
    assert_null(closed.public_project_alias.p);
    change.project_visibility = S("PUBLIC_READ");
    OK(codebuild_update_project_visibility(&c, &change, &again, &err));
    assert_true(str_eq(again.public_project_alias, open.public_project_alias));
    change.project_arn = S("web");
    REFUSED(codebuild_update_project_visibility(&c, &change, &again, &err),
            codebuild_InvalidInputException, "Invalid project ARN");
}

static void refused(struct codebuild_create_project_input *in, const char *part) {
    struct codebuild_project *p = NULL;
    REFUSED(create(in, &p), codebuild_InvalidInputException, part);
}

static void test_settings_that_exclude_each_other_are_refused(void **state) {
    (void)state;
    struct codebuild_create_project_input in = sample();
    struct codebuild_project_cache cache = {.type = S("S3")};
    in.cache = &cache;
    refused(&in, "location is required for cache type S3");
    cache = (struct codebuild_project_cache){.type = S("LOCAL")};
    refused(&in, "at least one mode");
    struct str mode = S("LOCAL_DOCKER_LAYER_CACHE");
    cache.modes = (struct str_list){&mode, 1};
    refused(&in, "requires privileged mode");
    in = sample();
    struct codebuild_registry_credential credential = {S("s"), S("SECRETS_MANAGER")};
    environment.registry_credential = &credential;
    refused(&in, "registryCredential requires imagePullCredentialsType SERVICE_ROLE");
    environment.image_pull_credentials_type = S("SERVICE_ROLE");
    environment.image = S("111111111111.dkr.ecr.eu-west-2.amazonaws.com/app:1");
    refused(&in, "Amazon ECR");
    environment.image = S("aws/codebuild/standard:7.0");
    refused(&in, "must be CODEBUILD for the curated image");
    in = sample();
    environment.compute_type = S("BUILD_LAMBDA_1GB");
    refused(&in, "Invalid compute type provided: BUILD_LAMBDA_1GB");
    in = sample();
    artifacts.encryption_disabled = artifacts.has_encryption_disabled = true;
    refused(&in, "encryptionDisabled is only supported for artifact type S3");
    in = sample();
    in.encryption_key = S("1234");
    refused(&in, "must be the ARN of a key");
    in = sample();
    struct codebuild_tag tags[] = {{S("a"), S("1")}, {S("a"), S("2")}};
    in.tags = (struct codebuild_tag_list){tags, 2};
    refused(&in, "key a is used twice");
    in = sample();
    struct codebuild_project_source_version version = {S("lib"), S("main")};
    in.secondary_source_versions = (struct codebuild_project_source_version_list){&version, 1};
    refused(&in, "there is no secondary source lib");
    in = sample();
    struct codebuild_build_status_config status = {S("ctx"), S("http://x")};
    source.build_status_config = &status;
    refused(&in, "buildStatusConfig is not supported for source type NO_SOURCE");
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_build_that_has_ended_is_retried_with_its_settings),
        CASE(test_a_pipelines_build_is_retried_by_its_stage),
        CASE(test_a_token_is_remembered_for_five_minutes),
        CASE(test_no_more_builds_than_the_limit_also_by_retry),
        CASE(test_deleting_takes_the_row_and_then_the_directory),
        CASE(test_a_build_ends_when_it_has_queued_for_too_long),
        CASE(test_a_build_of_another_boot_never_starts_again),
        CASE(test_an_alias_is_kept_through_a_time_of_being_private),
        CASE(test_settings_that_exclude_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
