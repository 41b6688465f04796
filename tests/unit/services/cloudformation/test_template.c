/* Templates as text: short forms, checks, order, functions, parameters. */
#include "../../cmocka_.h"

#include "gen/cloudformation.h"
#include "services/cloudformation/evaluate.h"
#include "services/cloudformation/parameters.h"
#include "services/cloudformation/template.h"

#include <stdlib.h>

static struct arena arena;

static struct str dump(json_t *json) {
    return json_dump_sorted(&arena, json);
}

static void test_short_forms_are_written_out(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *tree cleanup_json = NULL;
    const char *text =
        "A: !Ref X\nB: !GetAtt X.Arn\nC: !Sub '${X}-y'\nD: !Join [',', [!Ref X, b]]\n"
        "E: !If [Cond, !Ref 'AWS::NoValue', 5]\nF: !Condition Other\n"
        "G: !Equals [a, b]\n";
    assert_int_equal(template_tree(&arena, str_c(text), &tree, &err), 0);
    assert_string_equal(
        str_z(&arena, dump(tree)),
        "{\"A\":{\"Ref\":\"X\"},\"B\":{\"Fn::GetAtt\":[\"X\",\"Arn\"]},\"C\":{\"Fn::Sub\":"
        "\"${X}-y\"},\"D\":{\"Fn::Join\":[\",\",[{\"Ref\":\"X\"},\"b\"]]},\"E\":{\"Fn::If\":["
        "\"Cond\",{\"Ref\":\"AWS::NoValue\"},5]},\"F\":{\"Condition\":\"Other\"},\"G\":{"
        "\"Fn::Equals\":[\"a\",\"b\"]}}");
}

static void test_scalars_lose_nothing(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    json_t *tree cleanup_json = NULL;
    const char *text =
        "A: 2012-10-17\nB: 012\nC: 60\nD: 5.10\nE: yes\nF: true\nG: '7'\nH: -3\nI: ~\n";
    assert_int_equal(template_tree(&arena, str_c(text), &tree, &err), 0);
    assert_string_equal(str_z(&arena, dump(tree)),
                        "{\"A\":\"2012-10-17\",\"B\":\"012\",\"C\":60,\"D\":\"5.10\",\"E\":\"yes\","
                        "\"F\":true,\"G\":\"7\",\"H\":-3,\"I\":null}");
}

static void test_json_templates_are_read_too(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct template t cleanup_template = {0};
    assert_int_equal(
        template_read(&arena,
                      S("{\"Resources\":{\"T\":{\"Type\":\"AWS::SNS::Topic\",\"Properties\":{}}}}"),
                      &t, &err),
        0);
    assert_true(str_is(template_type(&t, S("T")), "AWS::SNS::Topic"));
}

static void check_refused(const char *text, const char *why) {
    struct err err = ERR_INIT;
    struct template t cleanup_template = {0};
    if (template_read(&arena, str_c(text), &t, &err) == 0) {
        fail_msg("accepted: %s", text);
    }
    if (strstr(err.msg, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.msg, why);
    }
}

#define TOPIC "  T: {Type: AWS::SNS::Topic}\n"

static void test_broken_templates_are_refused_by_name(void **state) {
    (void)state;
    check_refused("", "Template format error");
    check_refused("[1, 2]", "Template format error");
    check_refused("a: [", "not well-formed");
    check_refused("{\"Resources\": [}", "JSON not well-formed");
    check_refused("Outputs: {}\n", "At least one Resources member");
    check_refused("Resources:\n  T: {}\n", "must contain a Type member");
    check_refused("Resources:\n  T: {Type: AWS::Nothing::Here}\n",
                  "Unrecognized resource types: [AWS::Nothing::Here]");
    check_refused("Resources:\n  T: {Type: AWS::SNS::Topic, Properties: {Colour: red}}\n",
                  "the property Colour");
    check_refused("Resources:\n  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/x}}\n",
                  "TargetKeyId of AWS::KMS::Alias is required");
    check_refused("Resources:\n  T: {Type: AWS::SNS::Topic, DependsOn: Gone}\n" TOPIC
                  "Outputs: {O: {Value: !Ref Missing}}\n",
                  "Unresolved resource dependencies [Missing] in the Outputs");
    check_refused("Resources:\n  T: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Gone}}\n",
                  "Unresolved resource dependencies [Gone] in the Resources");
    check_refused("Resources:\n" TOPIC "Outputs: {O: {Value: !GetAtt T.Colour}}\n",
                  "does not support attribute type Colour");
    check_refused("Resources:\n" TOPIC "Transform: AWS::Serverless-2016-10-31\n",
                  "section Transform");
    check_refused("Resources:\n  T-1: {Type: AWS::SNS::Topic}\n", "non alphanumeric");
    check_refused("Resources:\n  A: {Type: AWS::SNS::Topic, DependsOn: B}\n"
                  "  B: {Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt A.TopicName}}\n",
                  "Circular dependency between resources");
}

static void test_needs_come_first(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct template t cleanup_template = {0};
    struct str_list order = {0};
    struct str ids[] = {S("A"), S("B"), S("C"), S("D")};
    const char *text =
        "Resources:\n"
        "  A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub '${B}x${C.TopicName}'}}\n"
        "  B: {Type: AWS::SNS::Topic, DependsOn: [D]}\n"
        "  C: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub ['${v}', {v: !Ref B}]}}\n"
        "  D: {Type: AWS::SNS::Topic, Properties: {DisplayName: '${!B}'}}\n";
    assert_int_equal(template_read(&arena, str_c(text), &t, &err), 0);
    template_order(&arena, &t, &(struct str_list){ids, 4}, &order);
    assert_int_equal(order.n, 4);
    assert_true(str_is(order.v[0], "D") && str_is(order.v[1], "B") && str_is(order.v[2], "C") &&
                str_is(order.v[3], "A"));
}

/* Functions. */

static int resource_value(void *ud, struct str id, struct str attribute, json_t **ret,
                          struct err *err) {
    (void)ud;
    (void)err;
    *ret = json_from_str(str_printf(&arena, "<%.*s%s%.*s>", STR_ARG(id), attribute.p ? "." : "",
                                    STR_ARG(attribute)));
    return 0;
}

static int import_value(void *ud, struct str name, struct str *ret, struct err *err) {
    (void)ud;
    if (!str_is(name, "shared")) {
        return err_set(err, ERR_INVALID, "No export named that found.");
    }
    *ret = S("imported");
    return 0;
}

static const char *const frame =
    "Mappings: {Sizes: {eu-west-2: {small: 1, list: [a, b]}}}\n"
    "Conditions:\n"
    "  Prod: !Equals [!Ref Env, production]\n"
    "  Test: !Not [!Condition Prod]\n"
    "  Both: !And [!Condition Prod, !Condition Test]\n"
    "  Either: !Or [!Condition Prod, !Condition Test]\n"
    "Parameters: {Env: {Type: String}, Names: {Type: CommaDelimitedList}}\n"
    "Resources:\n  T: {Type: AWS::SNS::Topic}\n";

static int value_of(const char *expression, struct str *ret, struct err *err) {
    struct template t cleanup_template = {0};
    json_t *node cleanup_json = NULL;
    json_t *value cleanup_json = NULL;
    json_t *parameters cleanup_json =
        json_parse(S("{\"Env\":\"production\",\"Names\":[\"x\",\"y\"]}"), err);
    struct str text = str_printf(&arena, "V: %s\n", expression);
    if (template_read(&arena, str_c(frame), &t, err) < 0 ||
        template_tree(&arena, text, &node, err) < 0) {
        fail_msg("%s", err->msg);
    }
    struct evaluation e = {.arena = &arena,
                           .t = &t,
                           .parameters = parameters,
                           .account = S("111111111111"),
                           .region = S("eu-west-2"),
                           .stack_name = S("stack"),
                           .stack_id = S("id"),
                           .resource = resource_value,
                           .import = import_value};
    int bad = evaluate(&e, json_object_get(node, "V"), &value, err);
    *ret = value != NULL ? dump(value) : S("none");
    evaluation_done(&e);
    return bad;
}

static void check_value(const char *expression, const char *want) {
    struct err err = ERR_INIT;
    struct str have;
    if (value_of(expression, &have, &err) < 0) {
        fail_msg("%s: %s", expression, err.msg);
    }
    assert_string_equal(str_z(&arena, have), want);
}

static void test_functions_give_their_values(void **state) {
    (void)state;
    check_value("!Ref T", "\"<T>\"");
    check_value("!GetAtt T.TopicName", "\"<T.TopicName>\"");
    check_value("!Ref AWS::AccountId", "\"111111111111\"");
    check_value("!Ref AWS::NoValue", "none");
    check_value("{a: !Ref AWS::NoValue, b: 1}", "{\"b\":1}");
    check_value("!Sub 'arn:aws:x:${AWS::Region}:${AWS::AccountId}:${T}/${T.TopicName}${!kept}'",
                "\"arn:aws:x:eu-west-2:111111111111:<T>/<T.TopicName>${kept}\"");
    check_value("!Sub ['${a}-${Env}', {a: !Select [1, !Ref Names]}]", "\"y-production\"");
    check_value("!Join ['/', [a, !Ref Env, 3]]", "\"a/production/3\"");
    check_value("!Join [',', !Ref Names]", "\"x,y\"");
    check_value("!Split ['/', 'a/b//c']", "[\"a\",\"b\",\"\",\"c\"]");
    check_value("!Select [0, !Split [':', 'p:q']]", "\"p\"");
    check_value("!FindInMap [Sizes, !Ref AWS::Region, small]", "1");
    check_value("!FindInMap [Sizes, !Ref AWS::Region, list]", "[\"a\",\"b\"]");
    check_value("!If [Prod, yes-it-is, no]", "\"yes-it-is\"");
    check_value("!If [Test, 1, 2]", "2");
    check_value("!If [Both, 1, 2]", "2");
    check_value("!If [Either, 1, 2]", "1");
    check_value("!ImportValue shared", "\"imported\"");
    check_value("!Base64 'hello'", "\"aGVsbG8=\"");
    check_value("!GetAZs ''", "[\"eu-west-2a\",\"eu-west-2b\",\"eu-west-2c\"]");
    check_value("{Condition: {StringEquals: {a: b}}}",
                "{\"Condition\":{\"StringEquals\":{\"a\":\"b\"}}}");
}

static void test_wrong_functions_say_what_is_wrong(void **state) {
    (void)state;
    const char *bad[][2] = {
        {"!Ref Gone", "neither a parameter nor a resource"},
        {"!Select [9, [a]]", "nonexistent value"},
        {"!Join [1]", "Fn::Join"},
        {"!FindInMap [Sizes, mars, small]", "Unable to get mapping for Sizes::mars::small"},
        {"!If [Gone, 1, 2]", "Unresolved condition dependency"},
        {"!ImportValue other", "No export named"},
        {"!Cidr [a, 1, 2]", "not available here"},
        {"!Sub '${Names}'", "text for every variable"},
        {"!GetAtt T", "Fn::GetAtt"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = ERR_INIT;
        struct str have;
        assert_int_equal(value_of(bad[i][0], &have, &err), -1);
        if (strstr(err.msg, bad[i][1]) == NULL) {
            fail_msg("%s: '%s' does not say '%s'", bad[i][0], err.msg, bad[i][1]);
        }
    }
}

/* Parameters. */

static int resolve(const char *declaration, const char *value, struct err *err) {
    struct template t cleanup_template = {0};
    json_t *resolved cleanup_json = NULL;
    struct str text = str_printf(&arena, "Parameters: {P: %s}\nResources:\n" TOPIC, declaration);
    struct cloudformation_parameter sent = {.parameter_key = S("P"),
                                            .parameter_value = str_c(value)};
    struct cloudformation_parameter_list list = {&sent, value != NULL ? 1 : 0};
    if (template_read(&arena, text, &t, err) < 0) {
        fail_msg("%s", err->msg);
    }
    *err = ERR_INIT;
    return parameters_resolve(&arena, &t, &list, NULL, NULL, &resolved, err);
}

static void test_parameters_keep_to_their_constraints(void **state) {
    (void)state;
    const struct {
        const char *declaration, *value, *why; /* why NULL: accepted */
    } rows[] = {
        {"{Type: String}", NULL, "Parameters: [P] must have values"},
        {"{Type: String, Default: x}", NULL, NULL},
        {"{Type: String, AllowedPattern: '[a-z][a-z-]*'}", "pre-production", NULL},
        {"{Type: String, AllowedPattern: '[a-z][a-z-]*'}", "Pre", "must match pattern"},
        {"{Type: String, AllowedPattern: 'https?://.+'}", "http://x", NULL},
        {"{Type: String, AllowedPattern: '\\d{3}-[\\w]+'}", "123-a_b", NULL},
        {"{Type: String, AllowedPattern: '\\d{3}'}", "12", "must match pattern"},
        {"{Type: String, AllowedPattern: 'a', ConstraintDescription: only a}", "b", "only a"},
        {"{Type: String, AllowedValues: [http, https]}", "https", NULL},
        {"{Type: String, AllowedValues: [http, https]}", "ftp", "must be one of AllowedValues"},
        {"{Type: Number, MinValue: 1}", "1", NULL},
        {"{Type: Number, MinValue: 1}", "0", "not less than 1"},
        {"{Type: Number}", "one", "must be a number"},
        {"{Type: String, MaxLength: 2}", "abc", "at most 2"},
        {"{Type: 'List<Number>'}", "1, 2,3", NULL},
        {"{Type: 'List<Number>'}", "1,x", "must be a number"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        int bad = resolve(rows[i].declaration, rows[i].value, &err);
        if ((bad < 0) != (rows[i].why != NULL)) {
            fail_msg("%s with '%s': %s", rows[i].declaration, rows[i].value, err.msg);
        }
        if (bad < 0 && strstr(err.msg, rows[i].why) == NULL) {
            fail_msg("'%s' does not say '%s'", err.msg, rows[i].why);
        }
    }
}

static void test_parameter_that_is_not_declared_is_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct template t cleanup_template = {0};
    json_t *resolved = NULL;
    struct cloudformation_parameter sent = {.parameter_key = S("Q"), .parameter_value = S("1")};
    assert_int_equal(template_read(&arena, S("Resources:\n" TOPIC), &t, &err), 0);
    assert_int_equal(parameters_resolve(&arena, &t,
                                        &(struct cloudformation_parameter_list){&sent, 1}, NULL,
                                        NULL, &resolved, &err),
                     -1);
    assert_non_null(strstr(err.msg, "Parameters: [Q] do not exist in the template"));
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_forms_are_written_out),
        cmocka_unit_test(test_scalars_lose_nothing),
        cmocka_unit_test(test_json_templates_are_read_too),
        cmocka_unit_test(test_broken_templates_are_refused_by_name),
        cmocka_unit_test(test_needs_come_first),
        cmocka_unit_test(test_functions_give_their_values),
        cmocka_unit_test(test_wrong_functions_say_what_is_wrong),
        cmocka_unit_test(test_parameters_keep_to_their_constraints),
        cmocka_unit_test(test_parameter_that_is_not_declared_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
