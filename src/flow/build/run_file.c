/* See run_file.h. */
#include "flow/build/run_file.h"

#include "platform/os/file.h"

enum { FILE_MAX = 1 << 20 };

static struct str text_of(struct arena *a, const json_t *json, const char *key) {
    return str_dup(a, json_str(json, key));
}

static void apply_source(struct arena *a, const json_t *json, struct plan *plan) {
    if (json_str(json, "source").n == 0) {
        return;
    }
    plan->source = (struct plan_source){.kind = PLAN_SOURCE_LOCAL,
                                        .dir = text_of(a, json, "source"),
                                        .mount = json_bool(json, "mount")};
    const char *id = NULL;
    json_t *zip = NULL;
    plan->secondary_sources.n = 0;
    json_object_foreach(json_object_get(json, "secondary"), id, zip) {
        *arena_push(a, &plan->secondary_sources) =
            (struct plan_source){.kind = PLAN_SOURCE_LOCAL,
                                 .id = str_dup(a, str_c(id)),
                                 .dir = str_dup(a, json_text(zip))};
    }
}

static void apply_output(struct arena *a, const json_t *json, struct plan *plan) {
    struct str artifacts = text_of(a, json, "artifacts");
    plan->reports_dir = text_of(a, json, "reports");
    if (artifacts.n > 0) {
        plan->artifacts.n = 0;
        *arena_push(a, &plan->artifacts) =
            (struct plan_artifact){.kind = PLAN_ARTIFACT_LOCAL, .dir = artifacts, .zip = true};
    }
}

static void apply_account(struct arena *a, const json_t *json, struct plan *plan) {
    struct str account = text_of(a, json, "account");
    if (account.n == 0) {
        return;
    }
    plan->account = account;
    plan->region = text_of(a, json, "region");
    plan->endpoint = text_of(a, json, "endpoint");
    plan->ca_file = text_of(a, json, "caFile");
    plan->serve_dir = text_of(a, json, "serveDir");
    plan->credentials_file = text_of(a, json, "credentials");
    plan->aws = plan->serve_dir.n == 0;
    plan->log_group = plan->log_stream = STR_NONE; /* a try of a person is no log of the account */
}

int run_file_apply(struct arena *a, const char *data_dir, struct plan *plan, struct err *err) {
    const char *path = str_printf(a, "%s/" RUN_FILE, data_dir).p;
    struct str text = STR_NONE;
    if (!file_exists(path)) {
        return 0;
    }
    if (file_read(a, path, FILE_MAX, &text, err) < 0) {
        return -1;
    }
    json_t *json cleanup_json = json_parse(text, err);
    if (json == NULL) {
        return err_wrap(err, "%s", path);
    }
    if (json_str(json, "image").n > 0) {
        plan->image_uses = text_of(a, json, "image");
        plan->image_refused = STR_NONE;
    }
    plan->privileged = plan->privileged || json_bool(json, "privileged");
    plan->privileged_refused = STR_NONE;
    plan->owner_lock = text_of(a, json, "owner");
    plan->shell = json_bool(json, "shell");
    apply_source(a, json, plan);
    apply_output(a, json, plan);
    apply_account(a, json, plan);
    return 0;
}
