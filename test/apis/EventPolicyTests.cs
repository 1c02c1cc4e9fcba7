using System.Text.Json;
using Brokkr.Apis.Validation;

namespace Brokkr.Apis.Tests;

/// <summary>Which policies are for an object, and what a policy must be (RSEC-13, control-plane §12.1).</summary>
public sealed class EventPolicyTests
{
    private static readonly Broker Shop = new()
    {
        ApiVersion = GroupVersion.EventingV1,
        Kind = Broker.KindName,
        Metadata = new ObjectMeta
        {
            Name = "b",
            Namespace = "shop",
            Labels = new Dictionary<string, string> { ["team"] = "red" },
        },
    };

    [Theory]
    [InlineData("""{}""", true)]
    [InlineData("""{"to": []}""", true)]
    [InlineData("""{"to": [{"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b"}}]}""", true)]
    [InlineData("""{"to": [{"ref": {"apiVersion": "eventing.knative.dev/v1beta9", "kind": "broker", "name": "B"}}]}""", true)]
    [InlineData("""{"to": [{"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "other"}}]}""", false)]
    [InlineData("""{"to": [{"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "KafkaSink", "name": "b"}}]}""", false)]
    [InlineData("""{"to": [{"ref": {"apiVersion": "v1", "kind": "Broker", "name": "b"}}]}""", false)]
    [InlineData(
        """{"to": [{"ref": {"apiVersion": "v1", "kind": "X", "name": "y"}}, {"selector": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker"}}]}""",
        true
    )]
    [InlineData(
        """{"to": [{"selector": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "matchLabels": {"team": "red"}}}]}""",
        true
    )]
    [InlineData(
        """{"to": [{"selector": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "matchLabels": {"team": "Red"}}}]}""",
        false
    )]
    [InlineData(
        """{"to": [{"selector": {"apiVersion": "eventing.knative.dev/v1", "kind": "KafkaSink", "matchLabels": {"team": "red"}}}]}""",
        false
    )]
    public void Policy_is_for_what_its_target_names_or_selects(string spec, bool applies)
    {
        var (policies, errors) = EventPolicies.Of(Shop, [PolicyOf("p", spec)]);
        Assert.Equal(applies, policies.Count == 1);
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData("""{"key": "team", "operator": "In", "values": ["blue", "red"]}""", true)]
    [InlineData("""{"key": "team", "operator": "In", "values": ["blue"]}""", false)]
    [InlineData("""{"key": "tier", "operator": "In", "values": ["x"]}""", false)]
    [InlineData("""{"key": "team", "operator": "NotIn", "values": ["blue"]}""", true)]
    [InlineData("""{"key": "team", "operator": "NotIn", "values": ["red"]}""", false)]
    [InlineData("""{"key": "tier", "operator": "NotIn", "values": ["red"]}""", true)]
    [InlineData("""{"key": "team", "operator": "Exists"}""", true)]
    [InlineData("""{"key": "tier", "operator": "Exists"}""", false)]
    [InlineData("""{"key": "tier", "operator": "DoesNotExist"}""", true)]
    [InlineData("""{"key": "team", "operator": "DoesNotExist"}""", false)]
    public void Expressions_are_those_of_Kubernetes(string expression, bool applies)
    {
        var (policies, errors) = EventPolicies.Of(Shop, [PolicyOf("p", Selecting(expression))]);
        Assert.Equal(applies, policies.Count == 1);
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData("""{"key": "team", "operator": "In"}""")]
    [InlineData("""{"key": "team", "operator": "Exists", "values": ["red"]}""")]
    [InlineData("""{"key": "team", "operator": "Equals", "values": ["red"]}""")]
    [InlineData("""{"operator": "Exists"}""")]
    public void Selector_that_is_none_is_an_error_and_lets_nobody_in(string expression)
    {
        var (policies, errors) = EventPolicies.Of(Shop, [PolicyOf("p", Selecting(expression))]);
        Assert.Empty(policies);
        Assert.StartsWith("EventPolicy shop/p has a selector in spec.to", Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void ApiVersion_that_is_none_is_an_error()
    {
        var (policies, errors) = EventPolicies.Of(
            Shop,
            [PolicyOf("p", """{"to": [{"ref": {"apiVersion": "a/b/c", "kind": "Broker", "name": "b"}}]}""")]
        );
        Assert.Empty(policies);
        Assert.Equal(["EventPolicy shop/p has the apiVersion \"a/b/c\" in spec.to, which is none"], errors);
    }

    [Fact]
    public void Policies_come_by_name_and_from_the_namespace_of_the_object_only()
    {
        var elsewhere = PolicyOf("a", "{}");
        elsewhere = elsewhere with { Metadata = elsewhere.Metadata! with { Namespace = "other" } };
        Assert.Equal(
            ["b", "c"],
            EventPolicies.Of(Shop, [PolicyOf("c", "{}"), elsewhere, PolicyOf("b", "{}")]).Policies.Select(policy => policy.Name)
        );
    }

    [Theory]
    [InlineData("""{"from": [{"sub": "system:serviceaccount:a:*"}, {"ref": {"apiVersion": "v1", "kind": "X", "name": "y"}}]}""")]
    [InlineData("""{"from": [{}]}""", "spec.from[0]: must have ref or sub")]
    [InlineData(
        """{"from": [{"sub": "a", "ref": {"apiVersion": "v1", "kind": "X"}}]}""",
        "spec.from[0]: must have ref or sub, not both",
        "spec.from[0].ref.name: is missing"
    )]
    [InlineData("""{"from": [{"sub": "a*b"}]}""", "spec.from[0].sub: may have one \"*\", as its last character")]
    [InlineData("""{"from": [{"sub": "a**"}]}""", "spec.from[0].sub: may have one \"*\", as its last character")]
    [InlineData("""{"to": [{}]}""", "spec.to[0]: must have ref or selector")]
    [InlineData(
        """{"to": [{"selector": {"apiVersion": "v1", "kind": "X", "matchExpressions": [{"key": "a", "operator": "In"}]}}]}""",
        "spec.to[0].selector.matchExpressions[0].values: is missing"
    )]
    [InlineData(
        """{"to": [{"selector": {"apiVersion": "v1", "kind": "X", "matchExpressions": [{"key": "a", "operator": "="}]}}]}""",
        "spec.to[0].selector.matchExpressions[0].operator: must be In, NotIn, Exists or DoesNotExist, is \"=\""
    )]
    [InlineData(
        """{"to": [{"selector": {"apiVersion": "v1", "kind": "X", "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}]}""",
        "spec.to[0].selector.matchExpressions[0].values: must not be given with Exists"
    )]
    [InlineData(
        """{"filters": [{"exact": {"Type": "a"}}]}""",
        "spec.filters[0].exact.Type: must be the name of an attribute: lower case letters and digits, the first a letter"
    )]
    public void Faults_of_a_policy_name_the_field(string spec, params string[] problems) =>
        Assert.Equal(problems, EventPolicyRules.Check(PolicyOf("p", spec)).Select(problem => problem.ToString()));

    private static string Selecting(string expression) =>
        $$$"""{"to": [{"selector": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "matchExpressions": [{{{expression}}}]}}]}""";

    private static EventPolicy PolicyOf(string name, string spec) =>
        new()
        {
            ApiVersion = GroupVersion.EventingV1Alpha1,
            Kind = EventPolicy.KindName,
            Metadata = new ObjectMeta { Name = name, Namespace = "shop" },
            Spec = JsonSerializer.Deserialize(spec, ApisJson.Default.EventPolicySpec),
        };
}
