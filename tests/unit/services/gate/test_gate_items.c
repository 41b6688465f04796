/*
 * DynamoDB's condition keys through the gate: whatever way a request takes to an item, a policy
 * that is about items sees it. A condition on a set holds of the empty set, so a way that was
 * forgotten here would be open.
 */
#include "../fixture.h"

#include "aws/proto/proto.h"
#include "gen/dynamodb.h"

#define POLICY(rest) "{\"Version\":\"2012-10-17\",\"Statement\":[" rest "]}"

/* May what it likes with items whose partition key is "mine". */
static const char own_keys[] =
    POLICY("{\"Effect\":\"Allow\",\"Action\":\"dynamodb:*\",\"Resource\":\"*\",\"Condition\":"
           "{\"ForAllValues:StringEquals\":{\"dynamodb:LeadingKeys\":[\"mine\",\"7\"]}}}");
/* May not touch attributes other than these, and has to name them. */
static const char own_attributes[] =
    POLICY("{\"Effect\":\"Allow\",\"Action\":\"dynamodb:*\",\"Resource\":\"*\"},"
           "{\"Effect\":\"Deny\",\"Action\":\"dynamodb:*Item\",\"Resource\":\"*\",\"Condition\":"
           "{\"ForAnyValue:StringNotEquals\":{\"dynamodb:Attributes\":[\"k\",\"v\"]}}},"
           "{\"Effect\":\"Deny\",\"Action\":\"dynamodb:*Item\",\"Resource\":\"*\",\"Condition\":"
           "{\"Null\":{\"dynamodb:Attributes\":\"true\"}}}");
static const char no_transactions[] =
    POLICY("{\"Effect\":\"Allow\",\"Action\":\"dynamodb:*\",\"Resource\":\"*\"},"
           "{\"Effect\":\"Deny\",\"Action\":\"dynamodb:PutItem\",\"Resource\":\"*\",\"Condition\":"
           "{\"ForAnyValue:StringEquals\":{\"dynamodb:EnclosingOperation\":"
           "[\"TransactWriteItems\"]}}}");

/* `json` has ' for ". */
static int call(struct fixture *f, const struct aws_target *t, const char *name, const char *json) {
    const struct shape_op *op = shape_find_op(&dynamodb_service, str_c(name));
    struct str text = str_dup(&f->arena, str_c(json));
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'') {
            ((char *)(uintptr_t)text.p)[i] = '"';
        }
    }
    struct proto_message m = {.body = text};
    struct proto_notes notes = {0};
    void *in = arena_alloc(&f->arena, op->in->size);
    void *out = arena_alloc(&f->arena, op->out->size);
    f->err = ERR_INIT;
    assert_done(f, proto_decode_request(&f->arena, SHAPE_JSON_1_0, op, &m, in, &notes, &f->err));
    return aws_call(t, op, &f->arena, in, out, &f->err);
}

/* The account's root, held back by that session policy. */
static struct aws_target held(struct fixture *f, const char *policy) {
    struct aws_target root = fixture_root(f, "111111111111");
    struct aws_principal *p = arena_new(&f->arena, struct aws_principal);
    *p = *root.principal;
    p->session_policy = str_c(policy);
    return fixture_as(f, p);
}

static void make_tables(struct fixture *f) {
    assert_done(f, call(f, &f->admin, "CreateTable",
                        "{'TableName':'ttt','BillingMode':'PAY_PER_REQUEST','KeySchema':[{"
                        "'AttributeName':'k','KeyType':'HASH'}],'AttributeDefinitions':[{"
                        "'AttributeName':'k','AttributeType':'S'},{'AttributeName':'g',"
                        "'AttributeType':'S'}],'GlobalSecondaryIndexes':[{'IndexName':'by-g',"
                        "'KeySchema':[{'AttributeName':'g','KeyType':'HASH'}],'Projection':{"
                        "'ProjectionType':'ALL'}}]}"));
    assert_done(f, call(f, &f->admin, "CreateTable",
                        "{'TableName':'nnn','BillingMode':'PAY_PER_REQUEST','KeySchema':[{"
                        "'AttributeName':'id','KeyType':'HASH'}],'AttributeDefinitions':[{"
                        "'AttributeName':'id','AttributeType':'N'}]}"));
}

struct way {
    const char *op;
    const char *json;
};

static void check(struct fixture *f, const char *policy, const struct way *ways, size_t n,
                  bool may) {
    struct aws_target t = held(f, policy);
    for (size_t i = 0; i < n; i++) {
        int done = call(f, &t, ways[i].op, ways[i].json);
        if (may ? done < 0 : done == 0 || f->err.kind != ERR_DENIED) {
            fail_msg("%s %s: %s", ways[i].op, ways[i].json, done == 0 ? "allowed" : f->err.msg);
        }
    }
}
#define MAY(policy, ways) check(f, policy, ways, sizeof(ways) / sizeof((ways)[0]), true)
#define MAY_NOT(policy, ways) check(f, policy, ways, sizeof(ways) / sizeof((ways)[0]), false)

#define MINE "{'k':{'S':'mine'}}"
#define OTHERS "{'k':{'S':'others'}}"

static void test_leading_keys_are_seen_whatever_way_leads_to_an_item(void **state) {
    struct fixture *f = *state;
    static const struct way own[] = {
        {"PutItem", "{'TableName':'ttt','Item':" MINE "}"},
        {"GetItem", "{'TableName':'ttt','Key':" MINE "}"},
        {"UpdateItem", "{'TableName':'ttt','Key':" MINE ",'UpdateExpression':'SET v = :v',"
                       "'ExpressionAttributeValues':{':v':{'S':'x'}}}"},
        {"BatchGetItem",
         "{'RequestItems':{'ttt':{'Keys':[" MINE "]},'nnn':{'Keys':[{'id':{'N':'7'}}"
         "]}}}"},
        {"BatchWriteItem", "{'RequestItems':{'ttt':[{'PutRequest':{'Item':" MINE "}}]}}"},
        {"TransactGetItems", "{'TransactItems':[{'Get':{'TableName':'ttt','Key':" MINE "}}]}"},
        {"TransactWriteItems", "{'TransactItems':[{'Put':{'TableName':'ttt','Item':" MINE "}},{"
                               "'Put':{'TableName':'nnn','Item':{'id':{'N':'7'}}}}]}"},
        {"Query",
         "{'TableName':'ttt','KeyConditionExpression':'#k = :k','ExpressionAttributeNames':"
         "{'#k':'k'},'ExpressionAttributeValues':{':k':{'S':'mine'}}}"},
        {"Query", "{'TableName':'ttt','KeyConditions':{'k':{'ComparisonOperator':'EQ',"
                  "'AttributeValueList':[{'S':'mine'}]}}}"},
        {"Query", "{'TableName':'ttt','IndexName':'by-g','KeyConditionExpression':'g = :k',"
                  "'ExpressionAttributeValues':{':k':{'S':'mine'}}}"},
        {"DeleteItem", "{'TableName':'ttt','Key':" MINE "}"},
    };
    static const struct way others[] = {
        {"PutItem", "{'TableName':'ttt','Item':" OTHERS "}"},
        {"PutItem",
         "{'TableName':'arn:aws:dynamodb:eu-west-2:111111111111:table/ttt','Item':" OTHERS "}"},
        {"GetItem", "{'TableName':'ttt','Key':" OTHERS "}"},
        {"DeleteItem", "{'TableName':'ttt','Key':" OTHERS "}"},
        {"UpdateItem", "{'TableName':'ttt','Key':" OTHERS "}"},
        {"BatchGetItem", "{'RequestItems':{'ttt':{'Keys':[" MINE "," OTHERS "]}}}"},
        {"BatchWriteItem",
         "{'RequestItems':{'ttt':[{'PutRequest':{'Item':" MINE "}},{'PutRequest':{"
         "'Item':" OTHERS "}}]}}"},
        {"BatchWriteItem", "{'RequestItems':{'ttt':[{'DeleteRequest':{'Key':" OTHERS "}}]}}"},
        {"BatchWriteItem", "{'RequestItems':{'nnn':[{'DeleteRequest':{'Key':{'id':{'N':'8'}}}}]}}"},
        {"TransactGetItems", "{'TransactItems':[{'Get':{'TableName':'ttt','Key':" MINE "}},{'Get':{"
                             "'TableName':'ttt','Key':" OTHERS "}}]}"},
        {"TransactWriteItems", "{'TransactItems':[{'Put':{'TableName':'ttt','Item':" MINE "}},{"
                               "'Put':{'TableName':'nnn','Item':{'id':{'N':'8'}}}}]}"},
        {"TransactWriteItems",
         "{'TransactItems':[{'Delete':{'TableName':'ttt','Key':" OTHERS "}}]}"},
        {"TransactWriteItems", "{'TransactItems':[{'Update':{'TableName':'ttt','Key':" OTHERS ","
                               "'UpdateExpression':'REMOVE v'}}]}"},
        {"TransactWriteItems",
         "{'TransactItems':[{'ConditionCheck':{'TableName':'ttt','Key':" OTHERS
         ",'ConditionExpression':'attribute_exists(k)'}}]}"},
        {"Query", "{'TableName':'ttt','KeyConditionExpression':'k = :k',"
                  "'ExpressionAttributeValues':{':k':{'S':'others'}}}"},
        {"Query", "{'TableName':'ttt','IndexName':'by-g','KeyConditionExpression':'g = :k',"
                  "'ExpressionAttributeValues':{':k':{'S':'others'}}}"},
        {"Query", "{'TableName':'ttt','KeyConditions':{'k':{'ComparisonOperator':'EQ',"
                  "'AttributeValueList':[{'S':'others'}]}}}"},
    };
    make_tables(f);
    MAY(own_keys, own);
    MAY_NOT(own_keys, others);
}

static void test_attributes_are_seen_whatever_way_leads_to_an_item(void **state) {
    struct fixture *f = *state;
    static const struct way own[] = {
        {"PutItem", "{'TableName':'ttt','Item':{'k':{'S':'a'},'v':{'S':'x'}}}"},
        {"UpdateItem", "{'TableName':'ttt','Key':{'k':{'S':'a'}},'UpdateExpression':"
                       "'SET v = if_not_exists(v, :v)','ConditionExpression':'attribute_exists(k)',"
                       "'ExpressionAttributeValues':{':v':{'S':'x'}}}"},
        {"TransactWriteItems", "{'TransactItems':[{'Put':{'TableName':'ttt','Item':{'k':{'S':'b'},"
                               "'v':{'S':'x'}}}}]}"},
        {"GetItem", "{'TableName':'ttt','Key':{'k':{'S':'a'}},'ProjectionExpression':'k, v.w'}"},
    };
    static const struct way others[] = {
        {"PutItem", "{'TableName':'ttt','Item':{'k':{'S':'a'},'w':{'S':'x'}}}"},
        {"UpdateItem", "{'TableName':'ttt','Key':{'k':{'S':'a'}},'UpdateExpression':'REMOVE w'}"},
        {"UpdateItem", "{'TableName':'ttt','Key':{'k':{'S':'a'}},'UpdateExpression':'REMOVE #w',"
                       "'ExpressionAttributeNames':{'#w':'w'}}"},
        {"UpdateItem", "{'TableName':'ttt','Key':{'k':{'S':'a'}},'AttributeUpdates':{'w':{'Action':"
                       "'DELETE'}}}"},
        {"GetItem", "{'TableName':'ttt','Key':{'k':{'S':'a'}},'ProjectionExpression':'k, w'}"},
        {"BatchWriteItem", "{'RequestItems':{'ttt':[{'PutRequest':{'Item':{'k':{'S':'a'},'w':{'S':"
                           "'x'}}}}]}}"},
        {"TransactWriteItems",
         "{'TransactItems':[{'Put':{'TableName':'ttt','Item':{'k':{'S':'b'}}}}"
         ",{'Put':{'TableName':'ttt','Item':{'k':{'S':'c'},'w':{'S':'x'}}}}]}"},
        {"TransactWriteItems",
         "{'TransactItems':[{'Update':{'TableName':'ttt','Key':{'k':{'S':'b'}},"
         "'UpdateExpression':'REMOVE w'}}]}"},
    };
    make_tables(f);
    MAY(own_attributes, own);
    MAY_NOT(own_attributes, others);
}

/* Each right of a transaction is about its own items. */
static void test_a_right_is_judged_by_the_items_that_it_is_about(void **state) {
    struct fixture *f = *state;
    static const char puts_only[] = POLICY(
        "{\"Effect\":\"Allow\",\"Action\":\"dynamodb:PutItem\",\"Resource\":\"*\","
        "\"Condition\":{\"ForAllValues:StringEquals\":{\"dynamodb:LeadingKeys\":[\"mine\"]}}},"
        "{\"Effect\":\"Allow\",\"Action\":\"dynamodb:DeleteItem\",\"Resource\":\"*\","
        "\"Condition\":{\"ForAllValues:StringEquals\":{\"dynamodb:LeadingKeys\":[\"others\"]}}}");
    static const struct way apart[] = {
        {"TransactWriteItems", "{'TransactItems':[{'Put':{'TableName':'ttt','Item':" MINE "}},{"
                               "'Delete':{'TableName':'ttt','Key':" OTHERS "}}]}"},
    };
    static const struct way swapped[] = {
        {"TransactWriteItems", "{'TransactItems':[{'Put':{'TableName':'ttt','Item':" OTHERS "}},{"
                               "'Delete':{'TableName':'ttt','Key':" MINE "}}]}"},
    };
    make_tables(f);
    MAY(puts_only, apart);
    MAY_NOT(puts_only, swapped);
}

static void test_a_transaction_is_known_as_one(void **state) {
    struct fixture *f = *state;
    static const struct way alone[] = {{"PutItem", "{'TableName':'ttt','Item':" MINE "}"}};
    static const struct way enclosed[] = {
        {"TransactWriteItems", "{'TransactItems':[{'Put':{'TableName':'ttt','Item':" MINE "}}]}"}};
    make_tables(f);
    MAY(no_transactions, alone);
    MAY_NOT(no_transactions, enclosed);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_leading_keys_are_seen_whatever_way_leads_to_an_item),
        TEST(test_attributes_are_seen_whatever_way_leads_to_an_item),
        TEST(test_a_right_is_judged_by_the_items_that_it_is_about),
        TEST(test_a_transaction_is_known_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
