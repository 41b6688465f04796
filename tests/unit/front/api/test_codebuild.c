/* CodeBuild's API over a store in memory, and what becomes of a build's records. No supervisor runs
 * here: the test writes what one would. */
#include "../../cmocka_.h"

#include "base/buf.h"
#include "flow/plan/events.h"
#include "flow/build/ingest.h"
#include "flow/forge/store.h"
#include "flow/report/store.h"
#include "front/api/codebuild/codebuild.h"
#include "gen/logs.h"
#include "platform/os/file.h"
#include "services/core/seal.h"

#include <stdio.h>

static struct arena arena;
static struct err err;
static const char *dir;
static struct clock_fake time_now;
static struct clock fake_time;
static struct flow flow;
static struct aws_principal principal;

/* ---- a CloudWatch Logs that listens ---- */

static struct buf logged;
static int calls_until_failure;

static int logs_invoke(void *ud, const struct aws_target *t, const struct shape_op *op,
                       struct arena *a, const void *in, const struct aws_body *body, void *out,
                       struct aws_body *ret_body, struct err *why) {
    (void)ud, (void)t, (void)a, (void)body, (void)out, (void)ret_body;
    if (calls_until_failure > 0 && --calls_until_failure == 0) {
        return err_set(why, ERR_UNAVAILABLE, "not now");
    }
    if (op == &logs_op_put_log_events) {
        const struct logs_put_log_events_request *put = in;
        for (size_t i = 0; i < put->log_events.n; i++) {
            buf_printf(&logged, "%lld:" STR_FMT, (long long)put->log_events.v[i].timestamp,
                       STR_ARG(put->log_events.v[i].message));
        }
    }
    return 0;
}

static const struct aws_embedded logs_that_listen = {logs_invoke, NULL};

static int log_target(void *ud, struct arena *a, struct str account, struct str region,
                      struct aws_target *ret, struct err *why) {
    (void)ud, (void)a, (void)why;
    *ret = (struct aws_target){.account = account,
                               .region = region,
                               .embedded = &logs_that_listen,
                               .principal = &principal};
    return 0;
}

static int ended_calls;
static int ended_fails;
static char ended_status[32];

static int build_ended(void *ud, struct db *db, struct arena *a, const struct build_row *row,
                       struct err *why) {
    (void)ud, (void)db, (void)a;
    if (ended_fails > 0) {
        ended_fails--;
        return err_set(why, ERR_UNAVAILABLE, "not yet");
    }
    ended_calls++;
    snprintf(ended_status, sizeof(ended_status), "%.*s", STR_ARG(row->status));
    return 0;
}

static const struct builds_config config = {
    .flow = &flow, .hooks = {build_ended, NULL}, .log_target = log_target};

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    err = ERR_INIT;
    buf_init(&logged, 100000);
    calls_until_failure = ended_calls = ended_fails = 0;
    time_now = (struct clock_fake){.now_ms = 1795485120000, .mono_ms = 1};
    fake_time = clock_fake(&time_now);
    const struct db_schema schemas[] = {build_schema, forge_schema, report_schema, queue_schema};
    struct db *db = NULL;
    assert_int_equal(seal_load(NULL, &rng_system, &err), 0);
    assert_int_equal(dir_make_temp(&arena, "test_codebuild", &dir, &err), 0);
    assert_int_equal(db_open("", schemas, sizeof(schemas) / sizeof(schemas[0]), &db, &err), 0);
    flow = (struct flow){.db = db,
                         .clock = &fake_time,
                         .rng = &rng_system,
                         .data_dir = dir,
                         .url = S("http://127.0.0.1:1")};
    principal = (struct aws_principal){.kind = AWS_PRINCIPAL_ROLE,
                                       .account = S("111111111111"),
                                       .role_arn = S("arn:aws:iam::111111111111:role/ops"),
                                       .session_name = S("jane")};
    codebuild_serve(&flow);
    assert_int_equal(db_begin(db, &err), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    db_rollback(flow.db);
    db_close(flow.db);
    assert_int_equal(tree_remove(dir, &err), 0);
    buf_done(&logged);
    arena_done(&arena);
    return 0;
}

static struct call call_of(const struct shape_op *op) {
    return (struct call){.arena = &arena,
                         .db = flow.db,
                         .clock = &fake_time,
                         .rng = &rng_system,
                         .now_ms = time_now.now_ms,
                         .account = S("111111111111"),
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

/* ---- projects ---- */

static struct codebuild_project_source source;
static struct codebuild_project_artifacts artifacts;
static struct codebuild_project_environment environment;

static struct codebuild_create_project_input sample(const char *name) {
    source = (struct codebuild_project_source){.type = S("NO_SOURCE"),
                                               .buildspec = S("version: 0.2\nphases: {}\n")};
    artifacts = (struct codebuild_project_artifacts){.type = S("NO_ARTIFACTS")};
    environment = (struct codebuild_project_environment){
        .type = S("LINUX_CONTAINER"),
        .image = S("aws/codebuild/standard:7.0"),
        .compute_type = S("BUILD_GENERAL1_SMALL"),
    };
    return (struct codebuild_create_project_input){.name = str_c(name),
                                                   .source = &source,
                                                   .artifacts = &artifacts,
                                                   .environment = &environment,
                                                   .service_role =
                                                       S("arn:aws:iam::111111111111:role/build")};
}

static struct codebuild_project *create(const char *name) {
    struct call c = call_of(&codebuild_op_create_project);
    struct codebuild_create_project_input in = sample(name);
    struct codebuild_create_project_output out = {0};
    OK(codebuild_create_project(&c, &in, &out, &err));
    return out.project;
}

static void assert_refused(const struct codebuild_create_project_input *in,
                           const struct aws_error *api, const char *part) {
    struct call c = call_of(&codebuild_op_create_project);
    struct codebuild_create_project_output out = {0};
    err = ERR_INIT;
    assert_int_equal(codebuild_create_project(&c, in, &out, &err), -1);
    if (err.api != api || strstr(err.msg, part) == NULL) {
        fail_msg("'%s' is not about '%s'", err.msg, part);
    }
    err = ERR_INIT;
}

static void test_a_project_comes_back_with_codebuilds_defaults(void **state) {
    (void)state;
    struct codebuild_project *p = create("web");
    assert_true(str_is(p->arn, "arn:aws:codebuild:eu-west-2:111111111111:project/web"));
    assert_int_equal(p->timeout_in_minutes, 60);
    assert_int_equal(p->queued_timeout_in_minutes, 480);
    assert_true(str_is(p->encryption_key, "arn:aws:kms:eu-west-2:111111111111:alias/aws/s3"));
    assert_true(str_is(p->cache->type, "NO_CACHE"));
    assert_null(p->logs_config);
    struct call c = call_of(&codebuild_op_batch_get_projects);
    struct str names[] = {S("nope"), p->arn, S("web")};
    struct codebuild_batch_get_projects_input in = {.names = {names, 3}};
    struct codebuild_batch_get_projects_output out = {0};
    OK(codebuild_batch_get_projects(&c, &in, &out, &err));
    assert_int_equal(out.projects.n, 2);
    assert_int_equal(out.projects_not_found.n, 1);
    assert_true(str_is(out.projects.v[1].source->buildspec, "version: 0.2\nphases: {}\n"));
    assert_true(str_is(out.projects.v[1].environment->image_pull_credentials_type, "CODEBUILD"));
    assert_true(out.projects.v[1].created == time_now.now_ms);
}

static void test_bad_projects_are_refused_in_codebuilds_words(void **state) {
    (void)state;
    create("web");
    struct codebuild_create_project_input in = sample("web");
    assert_refused(&in, &codebuild_ResourceAlreadyExistsException, "Project already exists: arn:");
    in = sample("we b");
    assert_refused(&in, &codebuild_InvalidInputException, "Only alphanumeric characters");
    in = sample("w1");
    source.type = S("GITHUB");
    assert_refused(&in, &codebuild_InvalidInputException, "Project source location is required");
    in = sample("w1");
    source.buildspec = S("buildspec.yml");
    assert_refused(&in, &codebuild_InvalidInputException, "Invalid buildspec");
    in = sample("w1");
    source.type = S("CODEPIPELINE");
    assert_refused(&in, &codebuild_InvalidInputException, "go together");
    in = sample("w1");
    artifacts.location = S("bucket");
    assert_refused(&in, &codebuild_InvalidInputException, "NO_ARTIFACTS should have null location");
    in = sample("w1");
    in.service_role = S("arn:aws:iam::222222222222:role/build");
    assert_refused(&in, &codebuild_InvalidInputException, "does not match caller's account");
    in = sample("w1");
    struct codebuild_environment_variable bad = {S("A=B"), S("x"), STR_NONE};
    environment.environment_variables.v = &bad;
    environment.environment_variables.n = 1;
    assert_refused(&in, &codebuild_InvalidInputException, "Invalid environment variable name: A=B");
}

static void test_update_replaces_what_it_names_and_delete_is_idempotent(void **state) {
    (void)state;
    create("web");
    time_now.now_ms += 1000;
    struct call c = call_of(&codebuild_op_update_project);
    struct codebuild_update_project_input in = {.name = S("web"),
                                                .timeout_in_minutes = 30,
                                                .has_timeout_in_minutes = true,
                                                .description = S("")};
    struct codebuild_update_project_output out = {0};
    OK(codebuild_update_project(&c, &in, &out, &err));
    assert_int_equal(out.project->timeout_in_minutes, 30);
    assert_true(str_is(out.project->source->type, "NO_SOURCE"));
    assert_true(out.project->last_modified == out.project->created + 1000);
    in.name = S("none");
    assert_int_equal(codebuild_update_project(&c, &in, &out, &err), -1);
    assert_ptr_equal(err.api, &codebuild_ResourceNotFoundException);
    struct codebuild_delete_project_input gone = {.name = S("web")};
    struct codebuild_delete_project_output ignored = {0};
    OK(codebuild_delete_project(&c, &gone, &ignored, &err));
    OK(codebuild_delete_project(&c, &gone, &ignored, &err));
}

static void test_lists_are_paged_by_a_hundred(void **state) {
    (void)state;
    for (int i = 0; i < 130; i++) {
        create(str_printf(&arena, "p%03d", i).p);
    }
    struct call c = call_of(&codebuild_op_list_projects);
    struct codebuild_list_projects_input in = {.sort_order = S("DESCENDING")};
    struct codebuild_list_projects_output out = {0};
    OK(codebuild_list_projects(&c, &in, &out, &err));
    assert_int_equal(out.projects.n, 100);
    assert_true(str_is(out.projects.v[0], "p129"));
    in.next_token = out.next_token;
    out = (struct codebuild_list_projects_output){0};
    OK(codebuild_list_projects(&c, &in, &out, &err));
    assert_int_equal(out.projects.n, 30);
    assert_true(out.next_token.p == NULL);
    in.next_token = S("nonsense");
    assert_int_equal(codebuild_list_projects(&c, &in, &out, &err), -1);
    assert_ptr_equal(err.api, &codebuild_InvalidInputException);
}

/* ---- builds ---- */

static struct codebuild_build *start(const struct codebuild_start_build_input *in) {
    struct call c = call_of(&codebuild_op_start_build);
    struct codebuild_start_build_output out = {0};
    OK(codebuild_start_build(&c, in, &out, &err));
    return out.build;
}

static struct codebuild_build *get(struct str id) {
    struct call c = call_of(&codebuild_op_batch_get_builds);
    struct codebuild_batch_get_builds_input in = {.ids = {&id, 1}};
    struct codebuild_batch_get_builds_output out = {0};
    OK(codebuild_batch_get_builds(&c, &in, &out, &err));
    return out.builds.n == 1 ? &out.builds.v[0] : NULL;
}

static void test_starting_a_build_queues_it_once_with_its_overrides(void **state) {
    (void)state;
    create("web");
    struct codebuild_environment_variable over = {S("A"), S("1"), STR_NONE};
    struct codebuild_start_build_input in = {
        .project_name = S("web"),
        .environment_variables_override = {&over, 1},
        .image_override = S("other"),
        .idempotency_token = S("t1"),
    };
    struct codebuild_build *b = start(&in);
    assert_true(str_starts(b->id, S("web:")));
    assert_true(str_is(b->build_status, "IN_PROGRESS") && str_is(b->current_phase, "QUEUED"));
    assert_int_equal(b->build_number, 1);
    assert_int_equal(b->phases.n, 2);
    assert_true(str_is(b->phases.v[0].phase_status, "SUCCEEDED"));
    assert_true(b->phases.v[1].phase_status.p == NULL && !b->phases.v[1].has_end_time);
    assert_true(b->phases.v[0].contexts.v == NULL);
    assert_true(str_is(b->initiator, "ops/jane"));
    assert_true(str_is(b->environment->image, "other"));
    assert_true(str_is(b->environment->environment_variables.v[0].type, "PLAINTEXT"));
    assert_true(str_is(b->logs->group_name, "/aws/codebuild/web"));
    assert_true(str_eq(start(&in)->id, b->id));
    in.image_override = S("changed");
    struct call c = call_of(&codebuild_op_start_build);
    struct codebuild_start_build_output out = {0};
    assert_int_equal(codebuild_start_build(&c, &in, &out, &err), -1);
    assert_string_equal(err.msg, "Request parameter mismatch for idempotency token t1");
    err = ERR_INIT;
    int64_t jobs = 0;
    assert_int_equal(db_get_i64(flow.db, &jobs, &err,
                                "SELECT count(*) FROM job WHERE kind = "
                                "'build.start'",
                                ""),
                     1);
    assert_int_equal(jobs, 1);
}

static void test_what_cannot_be_built_is_said_at_the_start(void **state) {
    (void)state;
    create("web");
    struct call c = call_of(&codebuild_op_start_build);
    struct codebuild_start_build_output out = {0};
    struct codebuild_start_build_input in = {.project_name = S("none")};
    assert_int_equal(codebuild_start_build(&c, &in, &out, &err), -1);
    assert_ptr_equal(err.api, &codebuild_ResourceNotFoundException);
    in = (struct codebuild_start_build_input){.project_name = S("web"),
                                              .source_type_override = S("GITHUB"),
                                              .source_location_override = S("https://x/y")};
    assert_int_equal(codebuild_start_build(&c, &in, &out, &err), -1);
    assert_non_null(strstr(err.msg, "github.com"));
    in.source_type_override = S("S3");
    in.source_location_override = S("no-key");
    assert_int_equal(codebuild_start_build(&c, &in, &out, &err), -1);
    assert_non_null(strstr(err.msg, "bucket/path/object.zip"));
    err = ERR_INIT;
}

static void test_builds_are_listed_newest_first_and_found_by_arn(void **state) {
    (void)state;
    create("web");
    create("app");
    struct codebuild_start_build_input web = {.project_name = S("web")};
    struct codebuild_start_build_input app = {.project_name = S("app")};
    struct str first = start(&web)->id;
    struct str other = start(&app)->id;
    struct codebuild_build *second = start(&web);
    assert_int_equal(second->build_number, 2);
    struct call c = call_of(&codebuild_op_list_builds_for_project);
    struct codebuild_list_builds_for_project_input in = {.project_name = S("web")};
    struct codebuild_list_builds_for_project_output out = {0};
    OK(codebuild_list_builds_for_project(&c, &in, &out, &err));
    assert_int_equal(out.ids.n, 2);
    assert_true(str_eq(out.ids.v[0], second->id) && str_eq(out.ids.v[1], first));
    struct codebuild_list_builds_input all = {.sort_order = S("ASCENDING")};
    struct codebuild_list_builds_output listed = {0};
    OK(codebuild_list_builds(&c, &all, &listed, &err));
    assert_int_equal(listed.ids.n, 3);
    assert_true(str_eq(listed.ids.v[1], other));
    assert_non_null(get(second->arn));
    assert_null(get(S("web:nope")));
    assert_null(get(str_printf(&arena, "app:%.*s", STR_ARG(str_sub(first, 4, first.n)))));
    in.project_name = S("none");
    assert_int_equal(codebuild_list_builds_for_project(&c, &in, &out, &err), -1);
    assert_ptr_equal(err.api, &codebuild_ResourceNotFoundException);
    err = ERR_INIT;
}

/* ---- ingestion ---- */

static struct ingest ingest;
static const char *build_dir;

/* A started build whose supervisor is this test. */
static struct str begin_build(void) {
    create("web");
    struct codebuild_start_build_input in = {.project_name = S("web")};
    struct str id = start(&in)->id;
    struct str uuid = str_sub(id, 4, id.n);
    build_dir = str_printf(&arena, "%s/builds/%.*s", dir, STR_ARG(uuid)).p;
    OK(dir_make(build_dir, 0700, &err));
    ingest = (struct ingest){.flow = &flow, .config = &config, .uuid = uuid};
    return id;
}

static void put_file(const char *name, struct str text) {
    OK(file_write(str_printf(&arena, "%s/%s", build_dir, name).p, text, 0600, &err));
}

static bool step(bool dead) {
    bool more = true;
    bool ended = false;
    while (more && !ended) {
        OK(ingest_step(&ingest, dead, &more, &ended, &err));
    }
    return ended;
}

static const char events[] =
    "{\"seq\":1,\"t\":1795485121000,\"type\":\"phase_start\",\"phase\":\"PROVISIONING\"}\n"
    "{\"seq\":2,\"t\":1795485122000,\"type\":\"phase_end\",\"phase\":\"PROVISIONING\",\"status\":"
    "\"SUCCEEDED\",\"contexts\":[{\"statusCode\":\"\",\"message\":\"\"}]}\n"
    "{\"seq\":3,\"t\":1795485122000,\"type\":\"phase_start\",\"phase\":\"BUILD\"}\n"
    "{\"seq\":4,\"t\":1795485123000,\"type\":\"exported\",\"variables\":[{\"name\":\"A\",\"value\":"
    "\"b\"}]}\n"
    "{\"seq\":5,\"t\":1795485123000,\"type\":\"artifact\",\"id\":\"\",\"location\":\"arn:aws:s3:::"
    "b/k\","
    "\"sha256\":\"00\",\"md5\":\"11\",\"bytes\":5}\n";

static void test_records_become_phases_variables_artifacts_and_log_events(void **state) {
    (void)state;
    struct str id = begin_build();
    put_file("events.jsonl", str_c(events));
    put_file("log", S("one\ntwo\nhal"));
    put_file("log.idx", S("\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"));
    assert_false(step(false));
    assert_true(str_is(buf_str(&logged), "1:one\n2:two\n"));
    struct codebuild_build *b = get(id);
    assert_true(str_is(b->current_phase, "BUILD"));
    assert_int_equal(b->phases.n, 4);
    assert_true(str_is(b->phases.v[1].phase_status, "SUCCEEDED"));
    assert_int_equal(b->phases.v[2].duration_in_seconds, 1);
    assert_true(str_is(b->exported_environment_variables.v[0].value, "b"));
    assert_true(str_is(b->artifacts->location, "arn:aws:s3:::b/k"));
    assert_false(b->build_complete);
    put_file("log", S("one\ntwo\nhalf\nlast"));
    OK(build_exit_write(build_dir, &fake_time,
                        &(struct build_exit){.status = S("FAILED"), .reason = S("BUILD failed")},
                        &err));
    assert_true(step(false));
    assert_true(str_is(buf_str(&logged), "1:one\n2:two\n2:half\n2:last"));
    b = get(id);
    assert_true(b->build_complete && str_is(b->build_status, "FAILED"));
    assert_true(str_is(b->current_phase, "COMPLETED"));
    assert_int_equal(b->phases.n, 5);
    assert_true(str_is(b->phases.v[3].phase_status, "FAILED"));
    assert_true(b->phases.v[4].phase_status.p == NULL && !b->phases.v[4].has_end_time);
    assert_int_equal(ended_calls, 1);
}

static void test_a_new_serve_goes_on_where_the_last_one_was(void **state) {
    (void)state;
    struct str id = begin_build();
    put_file("events.jsonl", str_c(events));
    put_file("log", S("one\n"));
    assert_false(step(false));
    ingest = (struct ingest){.flow = &flow, .config = &config, .uuid = ingest.uuid};
    put_file("log", S("one\ntwo\n"));
    assert_false(step(false));
    assert_true(str_ends(buf_str(&logged), S(":two\n")));
    assert_int_equal(get(id)->phases.n, 4);
    struct str all = buf_str(&logged);
    assert_true(str_find(all, S("one"), str_find(all, S("one"), 0) + 1) == (size_t)-1);
}

static void test_what_fails_halfway_is_not_taken_at_all(void **state) {
    (void)state;
    struct str id = begin_build();
    put_file("events.jsonl", str_c(events));
    put_file("log", S("one\n"));
    calls_until_failure = 3;
    bool more = false;
    bool ended = false;
    assert_int_equal(ingest_step(&ingest, false, &more, &ended, &err), -1);
    err = ERR_INIT;
    assert_int_equal(get(id)->phases.n, 2);
    assert_false(step(false));
    assert_int_equal(get(id)->phases.n, 4);
    OK(build_exit_write(build_dir, &fake_time,
                        &(struct build_exit){.status = S("SUCCEEDED"), .reason = S("")}, &err));
    ended_fails = 1;
    assert_int_equal(ingest_step(&ingest, false, &more, &ended, &err), -1);
    err = ERR_INIT;
    assert_false(get(id)->build_complete);
    assert_true(step(false));
    assert_int_equal(ended_calls, 1);
    assert_true(get(id)->build_complete);
}

static void test_a_lost_supervisor_is_a_fault_once(void **state) {
    (void)state;
    struct str id = begin_build();
    put_file("events.jsonl", str_c(events));
    assert_true(step(true));
    struct codebuild_build *b = get(id);
    assert_true(str_is(b->build_status, "FAULT"));
    assert_true(str_is(b->phases.v[3].phase_status, "FAULT"));
    assert_non_null(
        strstr(str_z(&arena, b->phases.v[3].contexts.v[0].message), "supervisor is gone"));
    assert_true(step(true));
    assert_int_equal(get(id)->phases.n, 5);
}

static void test_a_lost_supervisor_that_was_to_stop_is_stopped(void **state) {
    (void)state;
    struct str id = begin_build();
    struct call c = call_of(&codebuild_op_stop_build);
    struct codebuild_stop_build_input in = {.id = id};
    struct codebuild_stop_build_output out = {0};
    OK(codebuild_stop_build(&c, &in, &out, &err));
    assert_true(str_is(out.build->build_status, "IN_PROGRESS"));
    assert_true(step(true));
    assert_string_equal(ended_status, "STOPPED");
    OK(codebuild_stop_build(&c, &in, &out, &err));
    assert_true(str_is(out.build->build_status, "STOPPED"));
    in.id = S("web:nope");
    assert_int_equal(codebuild_stop_build(&c, &in, &out, &err), -1);
    assert_ptr_equal(err.api, &codebuild_ResourceNotFoundException);
    in.id = S("nonsense");
    assert_int_equal(codebuild_stop_build(&c, &in, &out, &err), -1);
    assert_string_equal(err.msg, "Invalid build ID provided");
    err = ERR_INIT;
}

/* Ends the newest build of "web" as its supervisor would; its record. */
static struct codebuild_build *end_newest(const char *status, int64_t retries) {
    struct call c = call_of(&codebuild_op_list_builds_for_project);
    struct codebuild_list_builds_for_project_input in = {.project_name = S("web")};
    struct codebuild_list_builds_for_project_output out = {0};
    OK(codebuild_list_builds_for_project(&c, &in, &out, &err));
    struct str id = out.ids.v[0];
    struct str uuid = str_sub(id, 4, id.n);
    build_dir = str_printf(&arena, "%s/builds/%.*s", dir, STR_ARG(uuid)).p;
    OK(dir_make(build_dir, 0700, &err));
    ingest = (struct ingest){.flow = &flow, .config = &config, .uuid = uuid};
    OK(build_exit_write(
        build_dir, &fake_time,
        &(struct build_exit){.status = str_c(status), .reason = S("x"), .retries = retries}, &err));
    assert_true(step(false));
    return get(id);
}

static void test_a_failed_build_is_started_again_as_often_as_it_asked(void **state) {
    (void)state;
    struct codebuild_build *first = get(begin_build());
    assert_null(first->auto_retry_config);
    first = end_newest("FAILED", 2);
    assert_int_equal(first->auto_retry_config->auto_retry_limit, 2);
    assert_int_equal(first->auto_retry_config->auto_retry_number, 0);
    struct codebuild_build *second = end_newest("FAILED", 2);
    assert_int_equal(second->build_number, 2);
    assert_true(str_eq(first->auto_retry_config->next_auto_retry, second->arn));
    assert_true(str_eq(second->auto_retry_config->previous_auto_retry, first->arn));
    assert_true(str_ends(second->logs->stream_name, str_sub(second->id, 4, second->id.n)));
    struct codebuild_build *third = end_newest("FAILED", 2);
    assert_int_equal(third->build_number, 3);
    assert_int_equal(third->auto_retry_config->auto_retry_number, 2);
    assert_null(third->auto_retry_config->next_auto_retry.p);
    assert_true(str_eq(end_newest("FAILED", 2)->id, third->id));
    assert_int_equal(ended_calls, 4);
}

static void test_only_failed_builds_are_retried_and_none_of_a_pipeline(void **state) {
    (void)state;
    begin_build();
    assert_null(end_newest("STOPPED", 3)->auto_retry_config);
    struct build_order order = {.account = S("111111111111"),
                                .region = S("eu-west-2"),
                                .project = S("web"),
                                .initiator = S("codepipeline/x")};
    *arena_push(&arena, &order.inputs) =
        (struct build_artifact_location){.name = S("S"), .bucket = S("b"), .key = S("k")};
    struct str uuid = STR_NONE;
    OK(build_start(&flow, &arena, &order, &uuid, &err));
    struct codebuild_build *of_pipeline = end_newest("FAILED", 3);
    assert_true(str_ends(of_pipeline->id, uuid));
    assert_true(str_eq(end_newest("FAILED", 3)->id, of_pipeline->id));
}

static void test_a_build_that_waits_too_long_ends_in_the_queue(void **state) {
    (void)state;
    create("web");
    struct codebuild_start_build_input in = {.project_name = S("web"),
                                             .queued_timeout_in_minutes_override = 5,
                                             .has_queued_timeout_in_minutes_override = true};
    struct str id = start(&in)->id;
    struct builds *builds = builds_new(&config);
    struct queue_kind kind = builds_queue_kind(builds);
    struct queue_job job = {.key = str_sub(id, 4, id.n), .arena = &arena};
    time_now.now_ms += 5 * 60 * 1000 + 1;
    OK(kind.run(kind.ud, &job, &err));
    struct codebuild_build *b = get(id);
    assert_true(b->build_complete && str_is(b->build_status, "TIMED_OUT"));
    assert_true(str_is(b->phases.v[1].phase_type, "QUEUED"));
    assert_true(str_is(b->phases.v[1].phase_status, "TIMED_OUT"));
    assert_true(str_is(b->phases.v[2].phase_type, "COMPLETED"));
    assert_false(file_exists(str_printf(&arena, "%s/builds", dir).p));
    builds_free(builds);
}

static void test_an_invalidated_cache_has_another_name_from_the_next_build_on(void **state) {
    (void)state;
    struct str id = begin_build();
    struct str text = STR_NONE;
    struct plan plan;
    OK(project_cache_invalidate(flow.db, S("111111111111"), S("eu-west-2"), S("web"), &err));
    OK(project_cache_invalidate(flow.db, S("111111111111"), S("eu-west-2"), S("web"), &err));
    struct build_row row;
    struct str uuid = STR_NONE;
    assert_int_equal(build_load(flow.db, &arena, str_sub(id, 4, id.n), &row, &err), 1);
    struct build_ask ask = {.initiator = S("ada")};
    OK(build_again(&flow, &arena, &row, &ask, &uuid, &err));
    assert_int_equal(build_get_plan(flow.db, &arena, uuid, &text, &err), 1);
    OK(plan_parse(&arena, text, &plan, &err));
    assert_int_equal(plan.cache.generation, 2);
    assert_true(str_is(plan.initiator, "ada"));
    assert_int_equal(plan.number, 2);
}

static void test_an_action_finds_its_build_again_by_its_token(void **state) {
    (void)state;
    struct codebuild_project *p = create("web");
    assert_non_null(p);
    struct build_order order = {.account = S("111111111111"),
                                .region = S("eu-west-2"),
                                .project = S("web"),
                                .token = S("execution/action/1"),
                                .initiator = S("codepipeline/x"),
                                .resolved_version = S("abc")};
    *arena_push(&arena, &order.inputs) =
        (struct build_artifact_location){.name = S("Source"), .bucket = S("b"), .key = S("k")};
    *arena_push(&arena, &order.outputs) =
        (struct build_artifact_location){.name = S("Out"), .bucket = S("b"), .key = S("o")};
    struct str uuid = STR_NONE;
    struct str again = STR_NONE;
    OK(build_start(&flow, &arena, &order, &uuid, &err));
    OK(build_start(&flow, &arena, &order, &again, &err));
    assert_true(str_eq(uuid, again));
    struct build_row row;
    assert_int_equal(build_load(flow.db, &arena, uuid, &row, &err), 1);
    assert_true(str_is(row.initiator, "codepipeline/x"));
    struct codebuild_build *b = NULL;
    OK(build_view(&arena, &row, &b, &err));
    assert_true(str_is(b->source_version, "arn:aws:s3:::b/k"));
    assert_true(str_is(b->resolved_source_version, "abc"));
    struct str text = STR_NONE;
    struct plan plan;
    assert_int_equal(build_get_plan(flow.db, &arena, uuid, &text, &err), 1);
    OK(plan_parse(&arena, text, &plan, &err));
    assert_int_equal(plan.source.kind, PLAN_SOURCE_S3);
    assert_true(plan.artifacts.v[0].zip && str_is(plan.artifacts.v[0].id, "Out"));
    order.project = S("none");
    order.token = S("other");
    assert_int_equal(build_start(&flow, &arena, &order, &uuid, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    err = ERR_INIT;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_a_project_comes_back_with_codebuilds_defaults),
        CASE(test_bad_projects_are_refused_in_codebuilds_words),
        CASE(test_update_replaces_what_it_names_and_delete_is_idempotent),
        CASE(test_lists_are_paged_by_a_hundred),
        CASE(test_starting_a_build_queues_it_once_with_its_overrides),
        CASE(test_what_cannot_be_built_is_said_at_the_start),
        CASE(test_builds_are_listed_newest_first_and_found_by_arn),
        CASE(test_records_become_phases_variables_artifacts_and_log_events),
        CASE(test_a_new_serve_goes_on_where_the_last_one_was),
        CASE(test_what_fails_halfway_is_not_taken_at_all),
        CASE(test_a_lost_supervisor_is_a_fault_once),
        CASE(test_a_lost_supervisor_that_was_to_stop_is_stopped),
        CASE(test_a_failed_build_is_started_again_as_often_as_it_asked),
        CASE(test_only_failed_builds_are_retried_and_none_of_a_pipeline),
        CASE(test_a_build_that_waits_too_long_ends_in_the_queue),
        CASE(test_an_invalidated_cache_has_another_name_from_the_next_build_on),
        CASE(test_an_action_finds_its_build_again_by_its_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
