/* What the files of a supervisor share; nobody else includes this. */
#pragma once

#include "aws/call/call.h"
#include "flow/plan/events.h"
#include "flow/build/machine.h"
#include "flow/plan/plan.h"
#include "flow/command/log.h"
#include "flow/phase/lint.h"
#include "flow/sandbox/container.h"

enum {
    ENV_MAX_VALUE = 128 * 1024 - 1, /* what Linux takes as one NAME=VALUE */
    ENV_MAX_TOTAL = 1536 * 1024,    /* all of them, leaving room for arguments */
    STOP_GRACE_MS = 10 * 1000,      /* between SIGTERM and SIGKILL */
    SERVE_PATIENCE_MS = 120 * 1000, /* how long a request waits for a serve that is away */
};

struct gateway;

/* What a source was fetched with. */
struct git_credential {
    struct str server; /* "https://github.com/" */
    struct str username, password;
};

struct supervision {
    struct arena arena; /* of the whole build */
    struct plan plan;
    const char *dir;
    const struct clock *clock;
    struct build_log *log;
    struct build_events *events;
    struct sandbox *box;
    struct gateway *gateway;
    struct buildspec spec;
    struct env env;              /* all variables, values fetched */
    const char *const *base_env; /* the image's variables, PATH and HOME; NULL-terminated */
    const char *ca_file;         /* what git believes: this machine's authorities and the project's
                                    certificate; NULL: this machine's */
    const char *source_dir;      /* inside: CODEBUILD_SRC_DIR */
    uint32_t source_number;      /* in its name, when it was chosen ahead; 0 = from the uuid */
    const char *git_helper_path; /* "/v2/git/<random>" */
    struct {
        struct git_credential *v;
        size_t n;
    } git_credentials;            /* of this build's sources */
    const char *credentials_path; /* "/v2/credentials/<random>" */
    struct {
        int lock;              /* LOCAL_CUSTOM_CACHE: it is ours as long as this is open; or -1 */
        int layers_lock;       /* LOCAL_DOCKER_LAYER_CACHE, the same */
        bool local;            /* and mounted */
        struct str_list paths; /* of the buildspec, variables expanded */
        struct str name;       /* of the object in S3; absent = no cache */
        bool exact;            /* what was restored has the very key */
    } cache;
    int out_read, out_write;  /* the pipe that all commands write to */
    int signal_fd;            /* SIGTERM, SIGINT */
    int64_t deadline_ms;      /* monotonic */
    int64_t request_seq;      /* of our own calls: journal ids "uuid/s<seq>" */
    int64_t gone_checked_ms;  /* disk use was last looked at */
    int64_t owner_checked_ms; /* plan.owner_lock was last looked at */
    int64_t retries;          /* on-failure: RETRY of the phase that failed; 0 = none */
    bool stopping;            /* a stop was asked for */
    bool timed_out;
    bool succeeding; /* CODEBUILD_BUILD_SUCCEEDING */
    int64_t begun;   /* commands of the build that the container has taken */
    bool box_gone;   /* the container has died under us */
};

/* How a phase ended. */
struct phase_end {
    enum phase_status status;
    const char *code;   /* statusCode of its context; "" when it went well */
    struct str message; /* masked already */
};

static inline struct phase_end phase_well(void) {
    return (struct phase_end){PHASE_SUCCEEDED, "", S("")};
}

/* A failure with the text masked. */
struct phase_end phase_failed(struct supervision *s, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Has the build been stopped, or run out of time? Then *ret says so. */
bool phase_interrupted(struct supervision *s, struct phase_end *ret);

/* image.c: the root file system that the container stands on, fetched if need be. */
struct image;
int find_image(struct supervision *s, struct image *ret, struct err *err) MUST_USE;
/* What commands find in their environment before anything else: the image's own variables. */
void choose_env(struct supervision *s, const struct image *image);

/* docker.c: docker's commands, in the container of a privileged build. */
int offer_docker(struct supervision *s, struct err *err) MUST_USE;

/* authorities.c: what the build trusts beside its image's authorities, as PEM: the gateway's own,
 * the machine's, that of its account's endpoint, the project's certificate. Sets s->ca_file. */
int find_authorities(struct supervision *s, struct str *ret, struct err *err) MUST_USE;

/* guard.c: what a plan stage's commands are held back by; the words for it, or empty. */
int offer_guard(struct supervision *s, struct err *err) MUST_USE;
struct str guard_reason(struct supervision *s);

/* ahead.c: what a build's directory and its container will hold, empty, for one of the pool: making
 * a file costs more than writing it. *_AHEAD are renamed when their content is known. */
#define PID_AHEAD "supervisor.pid.ahead"
int make_files_ahead(struct supervision *s, struct err *err) MUST_USE;
/* Those that the build, whose plan is there now, does not want. */
int drop_files_ahead(struct supervision *s, struct err *err) MUST_USE;

/* provision.c: the container and its gateway. */
struct phase_end provision(struct supervision *s);
/* The part that needs no build: container and pipe, for one of the pool. */
int provision_ahead(struct supervision *s, struct err *err) MUST_USE;
/* Ends all that runs for the build. What is left of its container is removed by clear_away, which
 * nobody has to wait for. */
void unprovision(struct supervision *s);
void clear_away(struct supervision *s);

/* source.c: the source, the buildspec, the variables. source_directory: inside, of the primary
 * source (0) or of a secondary one (1, 2 ...). */
/* Whether the buildspec comes with the plan, and is put into the container as READONLY_BUILDSPEC.
 */
#define READONLY_BUILDSPEC "/codebuild/readonly/buildspec.yml"
bool brings_buildspec(const struct supervision *s);
const char *source_directory(struct supervision *s, size_t n);
uint32_t source_number(struct str seed);
struct phase_end download_source(struct supervision *s);

/* objects.c: S3. Failures are wrapped with the object's URL. */
struct object_new {
    struct str bucket, key;
    int fd; /* from its beginning */
    int64_t bytes;
    struct str sha256; /* for the metadata, or absent */
    struct str content_type, content_encoding;
    struct str owner_access; /* bucketOwnerAccess, or absent */
    struct str kms_key;      /* absent = the project's */
    bool plain;              /* encryptionDisabled */
    bool pipeline;           /* of a pipeline: encrypted by its key only if there is one */
    bool only_new;           /* fails with PreconditionFailed when the key is there */
};
int object_get(struct supervision *s, struct str bucket, struct str key, struct str version,
               struct aws_body *ret, struct err *err) MUST_USE;
int object_put(struct supervision *s, const struct object_new *o, struct err *err) MUST_USE;
int object_exists(struct supervision *s, struct str bucket, struct str key,
                  struct err *err) MUST_USE; /* 1 or 0 */
/* The object written last of those that begin with `prefix`: 1 found. */
int object_newest(struct supervision *s, struct str bucket, struct str prefix, struct str *ret_key,
                  struct err *err) MUST_USE;

/* logs_out.c: the log on its way out of this machine. *ret NULL when serve does it. */
struct log_sender;
int logs_out_begin(struct supervision *s, struct log_sender **ret, struct err *err) MUST_USE;
void logs_out_end(struct log_sender *sender); /* sends what is left; NULL ok */
void logs_out_s3(struct supervision *s);

/* git_helper.c: env.git-credential-helper. What a source was fetched with (no password: nothing);
 * the answer to git's question, from the gateway's threads; the variables by which git asks. */
void git_helper_note(struct supervision *s, struct str url, struct str username,
                     struct str password);
struct str git_helper_answer(void *ud, struct arena *a, struct str question);
void git_helper_variables(struct supervision *s, struct env *env);

/* cache.c. CACHE_STAGE: where a cache is unpacked, inside; it is made with the container. */
#define CACHE_STAGE "/codebuild/output/cache"
enum { CACHE_MOUNTS_MAX = 2 };
size_t cache_mounts(struct supervision *s, struct sandbox_mount *ret); /* of this machine */
void cache_restore(struct supervision *s);
void cache_save(struct supervision *s);

/* values.c: values of all variables that lie in a store; hides them. */
struct phase_end fetch_values(struct supervision *s);
/* parameters.c, secrets.c: those of PARAMETER_STORE and SECRETS_MANAGER; each becomes a plain
 * variable. A parameter that does not exist keeps its reference, and missing_parameter names it. */
struct phase_end fetch_parameters(struct supervision *s);
struct phase_end missing_parameter(struct supervision *s);
struct phase_end fetch_secrets(struct supervision *s);

/* commands.c: the phases of the buildspec. */
struct phase_end run_phase(struct supervision *s, enum buildspec_phase_kind kind);
/* Runs a script and collects what it prints (at most max bytes); not logged. The exit code, or -1
 * with err when it could not run. */
int run_quiet(struct supervision *s, struct str script, size_t max, struct str *ret,
              struct err *err) MUST_USE;
/* Waits for events of the container and moves output to the log until command `id` has ended, the
 * build is stopped or out of time, or the container is gone. */
int wait_command(struct supervision *s, uint32_t id, int *ret_code, struct err *err) MUST_USE;

/* shell.c: a build that failed waits for a person who looks around in its container, if its plan
 * says so, until that person has left. */
void offer_shell(struct supervision *s);

/* artifacts.c: UPLOAD_ARTIFACTS and exported variables. */
struct phase_end upload_artifacts(struct supervision *s);
void record_exports(struct supervision *s);
/* All exported variables as the commands left them; empty when the container is gone. */
struct env environment_now(struct supervision *s);
struct artifact_files;
/* The files as a zip: a descriptor, or -1. */
int pack_files(struct supervision *s, int root_fd, const struct artifact_files *files,
               struct err *err) MUST_USE;

/* reports.c: what the buildspec's reports name. */
struct phase_end upload_reports(struct supervision *s);
/* Files that were found, as a report of the format's own group. */
int report_found(struct supervision *s, enum report_format format,
                 const struct artifact_files *files, const struct env *now,
                 struct err *err) MUST_USE;

/* discover.c: files that look like reports though nobody named them. */
void discover_reports(struct supervision *s);

/* account.c: calls into the build's account, as the project's role. Each request has an id that it
 * keeps when it is sent again; serve remembers the answer to a write until it is acknowledged. */
void account_begin(struct supervision *s);
void account_acknowledge(struct supervision *s);
/* For the request that was begun, with credentials that are fresh. */
int account_target(struct supervision *s, struct arena *a, struct aws_target *ret,
                   struct err *err) MUST_USE;
/* Credentials of the role from serve, also for the gateway's endpoint; hidden in the log. */
int account_credentials(struct supervision *s, struct arena *a, struct aws_credentials *ret,
                        struct str *ret_json, struct err *err) MUST_USE;
/* Whether a failed call is worth trying again, after a moment's wait: serve was not there. */
bool account_retry(struct supervision *s, int64_t since_ms, const struct err *err);
