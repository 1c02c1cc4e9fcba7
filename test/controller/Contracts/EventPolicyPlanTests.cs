using Brokkr.Apis;
using Brokkr.Controller.Contracts;
using Brokkr.Core.Contract.Wire;
using EventPolicy = Brokkr.Apis.EventPolicy;

namespace Brokkr.Controller.Tests.Contracts;

/// <summary>
/// Who may send to an object, as the contract says it (RSEC-13, RSEC-14; control-plane §4.7, §12.2). Conditions as observed of the original in its
/// scenarios <c>features-oidc</c>, <c>features-oidc-allow-all</c> and <c>policies-oidc-off</c>.
/// </summary>
public sealed class EventPolicyPlanTests
{
    private static readonly EventingFeatures Oidc = EventingFeatures.Default with { AuthenticationOidc = "Enabled" };

    private static readonly Broker Shop = new()
    {
        ApiVersion = GroupVersion.EventingV1,
        Kind = Broker.KindName,
        Metadata = new ObjectMeta { Name = "b", Namespace = "shop" },
    };

    [Theory]
    [InlineData(
        "Allow-Same-Namespace",
        """{ "tokenMatchers": [ { "prefix": { "attributes": { "sub": "system:serviceaccount:shop:" } } } ] }"""
    )]
    [InlineData("Allow-All", """{ "tokenMatchers": [ { "prefix": { "attributes": { "sub": "" } } } ] }""")]
    [InlineData("Deny-All", null)]
    [InlineData("allow-some", null)]
    public void Without_a_policy_the_default_mode_decides(string mode, string? policy)
    {
        var plan = EventPolicyPlan.Of(Shop, [], Oidc with { DefaultAuthorizationMode = mode });
        Assert.Equal(policy is null ? [] : [policy], plan.Contract.Select(translated => translated.ToString()));
        Assert.Empty(plan.Status);
        Assert.Equal(
            new ObjectCondition("EventPoliciesReady", ConditionState.True, "DefaultAuthorizationMode", $"Default authz mode is \"{mode}\""),
            plan.Condition
        );
    }

    [Fact]
    public void Without_tokens_no_policy_is_in_the_contract_but_status_tells_them()
    {
        var plan = EventPolicyPlan.Of(Shop, [Policy("p", "True", "a")], EventingFeatures.Default);
        Assert.Empty(plan.Contract);
        Assert.Equal([new AppliedEventPolicy { ApiVersion = "eventing.knative.dev/v1alpha1", Name = "p" }], plan.Status);
        Assert.Equal(new ObjectCondition("EventPoliciesReady", ConditionState.True), plan.Condition);
        Assert.Equal(
            new ObjectCondition(
                "EventPoliciesReady",
                ConditionState.True,
                "OIDCDisabled",
                "Feature \"authentication-oidc\" must be enabled to support Authorization"
            ),
            EventPolicyPlan.Of(Shop, [], EventingFeatures.Default).Condition
        );
    }

    [Fact]
    public void Subjects_are_exact_or_beginnings_and_filters_are_translated()
    {
        var policy = Policy("p", "True", "system:serviceaccount:ns:a", "system:serviceaccount:other:*") with
        {
            Spec = new EventPolicySpec
            {
                Filters =
                [
                    new SubscriptionsFilter { Prefix = new Dictionary<string, string> { ["type"] = "a." } },
                    new SubscriptionsFilter { Cesql = "source = '/x'" },
                ],
            },
        };
        var translated = Assert.Single(EventPolicyPlan.Of(Shop, [policy], Oidc).Contract);
        Assert.Equal("system:serviceaccount:ns:a", translated.TokenMatchers[0].Exact.Attributes["sub"]);
        Assert.Equal("system:serviceaccount:other:", translated.TokenMatchers[1].Prefix.Attributes["sub"]);
        Assert.Equal(
            [DialectedFilter.FilterOneofCase.Prefix, DialectedFilter.FilterOneofCase.Cesql],
            translated.Filters.Select(filter => filter.FilterCase)
        );
    }

    [Fact]
    public void Policies_that_are_not_ready_let_nobody_in_and_are_told()
    {
        var plan = EventPolicyPlan.Of(Shop, [Policy("b", "False", "x"), Policy("a", null, "y"), Policy("c", "True", "z")], Oidc);
        Assert.Equal("z", Assert.Single(plan.Contract).TokenMatchers[0].Exact.Attributes["sub"]);
        Assert.Equal(["c"], plan.Status.Select(policy => policy.Name));
        Assert.Equal(
            new ObjectCondition("EventPoliciesReady", ConditionState.False, "EventPoliciesNotReady", "event policies a, b are not ready"),
            plan.Condition
        );

        // The original falls back to its default here, which lets more in than any of the policies would (control-plane §18 item 15).
        Assert.Empty(EventPolicyPlan.Of(Shop, [Policy("a", "Unknown", "y")], Oidc).Contract);
    }

    [Fact]
    public void Policy_that_cannot_be_read_keeps_the_default_out()
    {
        var invalid = Policy("p", "True", "x") with
        {
            Spec = new EventPolicySpec
            {
                To =
                [
                    new EventPolicyTarget
                    {
                        Ref = new EventPolicyTargetReference
                        {
                            ApiVersion = "a/b/c",
                            Kind = "Broker",
                            Name = "b",
                        },
                    },
                ],
            },
        };
        var plan = EventPolicyPlan.Of(Shop, [invalid], Oidc);
        Assert.Empty(plan.Contract);
        Assert.Equal(ConditionState.False, plan.Condition.State);
        Assert.Equal("EventPolicy shop/p has the apiVersion \"a/b/c\" in spec.to, which is none.", plan.Condition.Message);
    }

    private static EventPolicy Policy(string name, string? ready, params string[] from) =>
        new()
        {
            ApiVersion = GroupVersion.EventingV1Alpha1,
            Kind = EventPolicy.KindName,
            Metadata = new ObjectMeta { Name = name, Namespace = "shop" },
            Status = new EventPolicyStatus
            {
                From = from,
                Conditions = ready is null ? null : [new Condition { Type = "Ready", Status = ready }],
            },
        };
}
