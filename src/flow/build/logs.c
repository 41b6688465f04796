/* Where a build's log goes: CloudWatch Logs unless the project turns it off, S3 if it turns it on.
 * A stream is the build's uuid, with the project's stream name as a prefix before it. */
#include "flow/build/order.h"

static bool off(struct str status) {
    return str_is(status, "DISABLED");
}

static void plan_cloudwatch(struct arena *a, const struct codebuild_cloud_watch_logs_config *config,
                            struct plan *plan) {
    plan->log_stream = plan->uuid;
    if (config != NULL && off(config->status)) {
        return;
    }
    bool named = config != NULL && config->group_name.n > 0;
    plan->log_group = named ? config->group_name
                            : str_printf(a, "/aws/codebuild/" STR_FMT, STR_ARG(plan->project));
    if (config != NULL && config->stream_name.n > 0) {
        plan->log_stream =
            str_printf(a, STR_FMT "/" STR_FMT, STR_ARG(config->stream_name), STR_ARG(plan->uuid));
    }
}

/* "bucket/prefix" or its ARN: the log becomes [prefix/]<uuid>.gz */
static void plan_s3(struct arena *a, const struct codebuild_s3_logs_config *config,
                    struct plan *plan) {
    struct str prefix = S("arn:aws:s3:::");
    if (config == NULL || off(config->status) || config->location.n == 0) {
        return;
    }
    struct str at = config->location;
    at = str_starts(at, prefix) ? str_sub(at, prefix.n, at.n) : at;
    size_t slash = str_find_c(at, '/', 0);
    struct str folder = slash == (size_t)-1 ? S("") : str_sub(at, slash + 1, at.n);
    const char *between = folder.n == 0 || str_ends(folder, S("/")) ? "" : "/";
    plan->s3_log_bucket = str_sub(at, 0, slash == (size_t)-1 ? at.n : slash);
    plan->s3_log_key =
        str_printf(a, STR_FMT "%s" STR_FMT ".gz", STR_ARG(folder), between, STR_ARG(plan->uuid));
    plan->s3_log_plain = config->encryption_disabled;
    plan->s3_log_owner = config->bucket_owner_access;
}

void plan_logs(struct arena *a, const struct codebuild_logs_config *config, struct plan *plan) {
    plan->log_group = plan->s3_log_bucket = plan->s3_log_key = STR_NONE;
    plan_cloudwatch(a, config ? config->cloud_watch_logs : NULL, plan);
    plan_s3(a, config ? config->s3_logs : NULL, plan);
}

static struct str console_escaped(struct arena *a, struct str group) {
    struct str escaped = S("");
    struct str rest = group;
    struct str part = STR_NONE;
    for (bool first = true; str_cut(&rest, '/', &part); first = false) {
        escaped = str_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(escaped), first ? "" : "$252F",
                             STR_ARG(part));
    }
    return escaped;
}

struct codebuild_logs_location *build_logs_view(struct arena *a,
                                                const struct codebuild_logs_config *config,
                                                const struct plan *plan) {
    struct codebuild_logs_location *logs = arena_new(a, struct codebuild_logs_location);
    if (config != NULL) {
        logs->cloud_watch_logs = config->cloud_watch_logs;
        logs->s3_logs = config->s3_logs;
    }
    if (plan->log_group.p != NULL) {
        logs->group_name = plan->log_group;
        logs->stream_name = plan->log_stream;
        logs->cloud_watch_logs_arn = str_printf(
            a, "arn:aws:logs:" STR_FMT ":" STR_FMT ":log-group:" STR_FMT ":log-stream:" STR_FMT,
            STR_ARG(plan->region), STR_ARG(plan->account), STR_ARG(plan->log_group),
            STR_ARG(plan->log_stream));
        logs->deep_link =
            str_printf(a,
                       "https://console.aws.amazon.com/cloudwatch/home?region=" STR_FMT
                       "#logsV2:log-groups/log-group/" STR_FMT "/log-events/" STR_FMT,
                       STR_ARG(plan->region), STR_ARG(console_escaped(a, plan->log_group)),
                       STR_ARG(plan->log_stream));
    }
    if (plan->s3_log_bucket.n > 0) {
        logs->s3_logs_arn = str_printf(a, "arn:aws:s3:::" STR_FMT "/" STR_FMT,
                                       STR_ARG(plan->s3_log_bucket), STR_ARG(plan->s3_log_key));
        logs->s3_deep_link = str_printf(
            a,
            "https://s3.console.aws.amazon.com/s3/object/" STR_FMT "/" STR_FMT "?region=" STR_FMT,
            STR_ARG(plan->s3_log_bucket), STR_ARG(plan->s3_log_key), STR_ARG(plan->region));
    }
    return logs;
}
