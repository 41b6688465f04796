/*
 * Which key a request means. The keys of AWS's own services ("alias/aws/ssm") come to life when
 * they are first named, as on AWS; their policy lets everybody in the account use them through that
 * service, and nobody otherwise.
 */
#include "services/kms/kms.h"
#include "services/resources.h"

static const char *const managed[] = {"acm",
                                      "backup",
                                      "cloudwatch",
                                      "codebuild",
                                      "codecommit",
                                      "dynamodb",
                                      "ebs",
                                      "elasticfilesystem",
                                      "es",
                                      "glue",
                                      "kinesis",
                                      "lambda",
                                      "logs",
                                      "rds",
                                      "redshift",
                                      "s3",
                                      "secretsmanager",
                                      "sns",
                                      "sqs",
                                      "ssm"};

/* What finding a key needs, for handlers and for the gate alike. */
struct finder {
    struct db *db;
    struct arena *a;
    const struct rng *rng;
    struct str account, region;
    int64_t now_ms;
};

static bool is_managed(struct str name) {
    struct str prefix = S("alias/aws/");
    for (size_t i = 0; i < sizeof(managed) / sizeof(*managed); i++) {
        if (str_starts(name, prefix) && str_is(str_sub(name, prefix.n, name.n), managed[i])) {
            return true;
        }
    }
    return false;
}

static struct str managed_policy(const struct finder *f, struct str service) {
    return str_printf(
        f->a,
        "{\"Version\":\"2012-10-17\",\"Id\":\"auto-" STR_FMT "-2\",\"Statement\":[{"
        "\"Sid\":\"Allow access through " STR_FMT " for all principals in the account that are "
        "authorized to use it\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":["
        "\"kms:Encrypt\",\"kms:Decrypt\",\"kms:ReEncrypt*\",\"kms:GenerateDataKey*\","
        "\"kms:CreateGrant\",\"kms:DescribeKey\"],\"Resource\":\"*\",\"Condition\":{"
        "\"StringEquals\":{\"kms:ViaService\":\"" STR_FMT "." STR_FMT ".amazonaws.com\","
        "\"kms:CallerAccount\":\"" STR_FMT "\"}}},{\"Sid\":\"Allow direct access to key metadata "
        "to the account\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::" STR_FMT
        ":root\"},\"Action\":[\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"kms:RevokeGrant\"],"
        "\"Resource\":\"*\"}]}",
        STR_ARG(service), STR_ARG(service), STR_ARG(service), STR_ARG(f->region),
        STR_ARG(f->account), STR_ARG(f->account));
}

static int make_managed(const struct finder *f, struct str alias, struct kms_key_row *ret,
                        struct err *err) {
    struct str service = str_sub(alias, S("alias/aws/").n, alias.n);
    *ret = (struct kms_key_row){
        .account = f->account,
        .region = f->region,
        .description = str_printf(
            f->a, "Default key that protects my " STR_FMT " data when no other key is defined",
            STR_ARG(service)),
        .manager = S("AWS"),
        .state = S("Enabled"),
        .policy = managed_policy(f, service),
        .created_ms = f->now_ms,
        .rotation_days = KMS_ROTATION_DAYS,
        .rotated_ms = f->now_ms,
    };
    struct kms_alias_row row = {f->account, f->region, alias, STR_NONE, f->now_ms, f->now_ms};
    if (kms_make_key(f->db, f->a, f->rng, ret, err) < 0) {
        return -1;
    }
    row.key = ret->id;
    return kms_alias_put(f->db, &row, err) < 0 ? -1 : 1;
}

static int find_alias(const struct finder *f, struct str name, struct kms_key_row *ret,
                      struct err *err) {
    struct kms_alias_row alias = {0};
    int found = kms_alias_find(f->db, f->a, f->account, f->region, name, &alias, err);
    if (found > 0) {
        return kms_key_find(f->db, f->a, alias.key, ret, err);
    }
    return found == 0 && is_managed(name) ? make_managed(f, name, ret, err) : found;
}

/* 1 found, 0 none, -1 error. The account of an ARN is where an alias is looked up. */
static int find(struct finder f, struct str key_id, struct kms_key_row *ret, struct err *err) {
    struct aws_arn arn;
    if (aws_arn_parse(key_id, &arn)) {
        if (!str_is(arn.service, "kms")) {
            return 0;
        }
        f.account = arn.account;
        f.region = arn.region;
        key_id = arn.resource;
    } else if (!str_starts(key_id, S("alias/"))) {
        key_id = str_concat(f.a, S("key/"), key_id);
    }
    if (str_starts(key_id, S("alias/"))) {
        return find_alias(&f, key_id, ret, err);
    }
    if (!str_starts(key_id, S("key/"))) {
        return 0;
    }
    int found = kms_key_find(f.db, f.a, str_sub(key_id, 4, key_id.n), ret, err);
    bool here = found > 0 && str_eq(ret->account, f.account) && str_eq(ret->region, f.region);
    return found > 0 ? here : found;
}

static bool is_key_id(struct str id) {
    size_t from = str_starts(id, S("mrk-")) ? 4 : 0;
    for (size_t i = from; i < id.n; i++) {
        char ch = id.p[i];
        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') || ch == '-')) {
            return false;
        }
    }
    return id.n == KMS_ID_CHARS;
}

int kms_need_key(struct call *c, struct str key_id, struct kms_key_row *ret, struct err *err) {
    struct finder f = {c->db, c->arena, c->rng, c->account, c->region, c->now_ms};
    int found = find(f, key_id, ret, err);
    if (found != 0) {
        return found < 0 ? -1 : 0;
    }
    struct aws_arn arn;
    bool is_arn = aws_arn_parse(key_id, &arn);
    struct str resource = is_arn ? arn.resource : key_id;
    if (str_starts(key_id, S("arn:")) && (!is_arn || !str_is(arn.service, "kms"))) {
        return err_api(err, &kms_InvalidArnException, "Invalid arn " STR_FMT, STR_ARG(key_id));
    }
    struct str account = is_arn ? arn.account : c->account;
    struct str region = is_arn ? arn.region : c->region;
    if (str_starts(resource, S("alias/"))) {
        return err_api(err, &kms_NotFoundException,
                       "Alias arn:aws:kms:" STR_FMT ":" STR_FMT ":" STR_FMT " is not found.",
                       STR_ARG(region), STR_ARG(account), STR_ARG(resource));
    }
    struct str id = str_starts(resource, S("key/")) ? str_sub(resource, 4, resource.n) : resource;
    if (!is_key_id(id)) {
        return err_api(err, &kms_NotFoundException, "Invalid keyId '" STR_FMT "'", STR_ARG(id));
    }
    return err_api(err, &kms_NotFoundException,
                   "Key 'arn:aws:kms:" STR_FMT ":" STR_FMT ":key/" STR_FMT "' does not exist",
                   STR_ARG(region), STR_ARG(account), STR_ARG(id));
}

int kms_need_usable(struct call *c, const struct kms_key_row *k, struct err *err) {
    struct str arn = kms_key_arn(c->arena, k);
    if (str_is(k->state, "Disabled")) {
        return err_api(err, &kms_DisabledException, STR_FMT " is disabled.", STR_ARG(arn));
    }
    if (!str_is(k->state, "Enabled")) {
        return err_api(err, &kms_KMSInvalidStateException, STR_FMT " is pending deletion.",
                       STR_ARG(arn));
    }
    return 0;
}

int kms_need_customers(struct call *c, const struct kms_key_row *k, struct err *err) {
    if (!str_is(k->manager, "AWS")) {
        return 0;
    }
    err_api(err, &kms_AccessDeniedException,
            "User: " STR_FMT " is not authorized to perform: kms:%s on resource: " STR_FMT
            " because AWS managed keys cannot be changed",
            STR_ARG(c->principal->arn), c->op->name, STR_ARG(kms_key_arn(c->arena, k)));
    err->kind = ERR_DENIED;
    return -1;
}

int kms_resource(const struct gate_call *c, struct db *db, struct str action,
                 struct gate_resource *r, struct err *err) {
    struct kms_key_row key = {0};
    struct aws_arn arn;
    struct finder f = {db, c->arena, &rng_system, c->account, c->region, c->now_ms};
    bool alias = aws_arn_parse(r->arn, &arn) && str_starts(arn.resource, S("alias/"));
    if (alias && str_ends(action, S("Alias"))) {
        return 0; /* rights on the alias itself; its key is another right */
    }
    /* Without a KeyId the ciphertext names the key, whosever it is: its policy decides. */
    bool named = !str_is(r->arn, "*");
    struct str inside =
        !named && c->op == &kms_op_decrypt
            ? kms_key_in(((const struct kms_decrypt_request *)c->in)->ciphertext_blob)
            : STR_NONE;
    int found = named      ? find(f, r->arn, &key, err)
                : inside.p ? kms_key_find(db, c->arena, inside, &key, err)
                           : 0;
    if (found > 0) {
        r->arn = kms_key_arn(c->arena, &key);
        r->account = key.account;
        r->policy = key.policy;
        r->policy_decides = true;
    }
    return found < 0 ? -1 : 0;
}
