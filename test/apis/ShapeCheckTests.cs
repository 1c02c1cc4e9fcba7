using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Apis.Tests;

/// <summary>Unknown fields and values of another kind are told with their path.</summary>
public sealed class ShapeCheckTests
{
    [Theory]
    [InlineData("""{"spec": {"filtres": []}}""", "spec.filtres: is not a field; did you mean \"filters\"?")]
    [InlineData("""{"spec": {"Subscriber": {}}}""", "spec.Subscriber: is not a field; did you mean \"subscriber\"?")]
    [InlineData("""{"spec": {"colour": 1}}""", "spec.colour: is not a field")]
    [InlineData("""{"spec": {"subscriber": {"CACert": "x"}}}""", "spec.subscriber.CACert: is not a field; did you mean \"CACerts\"?")]
    [InlineData(
        """{"spec": {"filters": [{"all": [{"exakt": {}}]}]}}""",
        "spec.filters[0].all[0].exakt: is not a field; did you mean \"exact\"?"
    )]
    [InlineData("""{"spce": {}}""", "spce: is not a field; did you mean \"spec\"?")]
    [InlineData("""{"spec": {"namespace": "x"}}""", "spec.namespace: is not a field")]
    [InlineData("""{"spec": []}""", "spec: must be a mapping, is a list")]
    [InlineData("""{"spec": {"filters": {}}}""", "spec.filters: must be a list, is a mapping")]
    [InlineData("""{"spec": {"filters": [null]}}""", "spec.filters[0]: must not be empty")]
    [InlineData("""{"spec": {"broker": 7}}""", "spec.broker: must be a text, is the number 7: put it in quotes")]
    [InlineData(
        """{"spec": {"filter": {"attributes": {"type": true}}}}""",
        "spec.filter.attributes.type: must be a text, is true: put it in quotes"
    )]
    [InlineData("""{"spec": {"delivery": {"retry": "3"}}}""", "spec.delivery.retry: must be a whole number, is the text \"3\"")]
    [InlineData("""{"spec": {"delivery": {"retry": 2.5}}}""", "spec.delivery.retry: must be a whole number, is the number 2.5")]
    [InlineData(
        """{"spec": {"delivery": {"retry": 3000000000}}}""",
        "spec.delivery.retry: must be a whole number of at most 32 bits, is the number 3000000000"
    )]
    public void Errors_name_the_field(string json, string problem)
    {
        var found = Assert.Single(ShapeCheck.Check(JsonNode.Parse(json)!.AsObject(), ApisJson.Default.Trigger));
        Assert.Equal(problem, found.ToString());
        Assert.False(found.IsWarning);
    }

    [Fact]
    public void Metadata_is_only_warned_about_and_status_is_left_alone()
    {
        var json = JsonNode.Parse(
            """
            {"metadata": {"name": "t", "finalizers": [], "creationTimestamp": "x", "anotations": {}}, "status": {"whatever": 1, "conditions": 5}}
            """
        )!;
        var problem = Assert.Single(ShapeCheck.Check(json.AsObject(), ApisJson.Default.Trigger));
        Assert.Equal("metadata.anotations: is not a field; did you mean \"annotations\"?", problem.ToString());
        Assert.True(problem.IsWarning);
    }

    [Fact]
    public void Whole_objects_pass_and_are_read()
    {
        var json = JsonNode
            .Parse(
                """
                {
                  "apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "metadata": {"name": "t", "labels": {"a": "b"}},
                  "spec": {
                    "broker": "b", "filter": null, "filters": [{"not": {"any": [{"prefix": {"type": "x"}}]}}],
                    "subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "uri": "/p", "CACerts": "pem", "audience": "me"},
                    "delivery": {"retry": 3, "backoffPolicy": "linear", "backoffDelay": "PT1S", "timeout": "PT2S", "retryAfterMax": "PT3S", "format": "json"}
                  }
                }
                """
            )!
            .AsObject();
        Assert.Empty(ShapeCheck.Check(json, ApisJson.Default.Trigger));
        var trigger = json.Deserialize(ApisJson.Default.Trigger)!;
        Assert.Equal("pem", trigger.Spec!.Subscriber!.CACerts);
        Assert.Equal("x", trigger.Spec.Filters![0].Not!.Any![0].Prefix!["type"]);
        Assert.Equal(3, trigger.Spec.Delivery!.Retry);
    }
}
