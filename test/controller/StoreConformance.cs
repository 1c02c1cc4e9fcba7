using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Tests;

/// <summary>What every object store does, whatever it keeps its objects in.</summary>
public abstract class StoreConformance : IAsyncLifetime
{
    /// <summary>The namespace of the test's objects.</summary>
    protected string Namespace { get; set; } = "shop";

    /// <summary>The store, started.</summary>
    protected IObjectStore Store { get; set; } = null!;

    /// <inheritdoc/>
    public abstract ValueTask InitializeAsync();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>Creates an object, or puts another version in its place.</summary>
    protected abstract Task PutAsync(JsonObject manifest);

    /// <summary>Deletes an object.</summary>
    protected abstract Task DeleteAsync(string kind, string name);

    [Fact]
    public async Task Objects_of_every_kind_appear_with_what_they_say()
    {
        await PutAsync(Of("eventing.knative.dev/v1", "Broker", "b", """{"spec":{"delivery":{"retry":3}}}"""));
        await PutAsync(
            Of("eventing.knative.dev/v1", "Trigger", "t", """{"spec":{"broker":"b","subscriber":{"uri":"http://localhost:1/"}}}""")
        );
        await PutAsync(
            Of("eventing.knative.dev/v1alpha1", "KafkaSink", "s", """{"spec":{"topic":"x","bootstrapServers":["localhost:9092"]}}""")
        );
        await PutAsync(Of("v1", "ConfigMap", "c", """{"data":{"key":"value"}}"""));
        await PutAsync(Of("v1", "Service", "target", """{"spec":{"ports":[{"port":80}]}}"""));
        await Eventually.True(
            () =>
                Store.Objects.Brokers.ContainsKey(Name("b"))
                && Store.Objects.Triggers.ContainsKey(Name("t"))
                && Store.Objects.KafkaSinks.ContainsKey(Name("s"))
                && Store.Objects.ConfigMaps.ContainsKey(Name("c"))
                && Store.Objects.Services.ContainsKey(Name("target")),
            "all objects"
        );
        var objects = Store.Objects;
        Assert.Equal(3, objects.Brokers[Name("b")].Spec!.Delivery!.Retry);
        Assert.Equal("b", objects.Triggers[Name("t")].Spec!.Broker);
        Assert.Equal("x", objects.KafkaSinks[Name("s")].Spec!.Topic);
        Assert.Equal("value", objects.ConfigMaps[Name("c")].Data!["key"]);
        Assert.Equal(new ObjectKey("", "Service", Namespace, "target"), objects.Services[Name("target")].Key);
        Assert.Equal(new ObjectKey("eventing.knative.dev", "Broker", Namespace, "b"), objects.Brokers[Name("b")].Key);
        Assert.NotEmpty(objects.Brokers[Name("b")].Uid);
    }

    [Fact]
    public async Task Changes_are_told_after_they_can_be_seen()
    {
        await PutAsync(Broker("b", retry: 1));
        await Eventually.True(() => RetryOf("b") == 1, "the Broker");
        var seen = new ConcurrentQueue<int?>();
        using var watch = Store.Watch(() => seen.Enqueue(RetryOf("b")));
        await PutAsync(Broker("b", retry: 2));
        await Eventually.True(() => seen.Contains(2), "to be told of the change");
        await DeleteAsync("Broker", "b");
        await Eventually.True(() => seen.Contains(null), "to be told that it is gone");
    }

    [Fact]
    public async Task Set_of_objects_never_changes_itself()
    {
        await PutAsync(Broker("b", retry: 1));
        await Eventually.True(() => RetryOf("b") == 1, "the Broker");
        var before = Store.Objects;
        await PutAsync(Broker("b", retry: 2));
        await PutAsync(Broker("other", retry: 0));
        await Eventually.True(() => RetryOf("b") == 2 && RetryOf("other") == 0, "the change");
        Assert.Equal(1, before.Brokers[Name("b")].Spec!.Delivery!.Retry);
        Assert.False(before.Brokers.ContainsKey(Name("other")));
    }

    [Fact]
    public async Task Deleted_objects_go_and_come_back_as_others()
    {
        await PutAsync(Broker("b", retry: 1));
        await Eventually.True(() => RetryOf("b") == 1, "the Broker");
        await DeleteAsync("Broker", "b");
        await Eventually.True(() => RetryOf("b") is null, "the Broker to go");
        await PutAsync(Broker("b", retry: 5));
        await Eventually.True(() => RetryOf("b") == 5, "the new Broker");
    }

    [Fact]
    public async Task Secrets_are_read_by_name_and_are_not_among_the_objects()
    {
        Assert.Null(await SecretAsync());
        await PutAsync(Secret("first"));
        await Eventually.True(async () => await SecretAsync() == "first", "the Secret");
        await PutAsync(Secret("second"));
        await Eventually.True(async () => await SecretAsync() == "second", "the new contents");
        Assert.DoesNotContain(Store.Objects.Others.Keys, key => key.Kind == "Secret");
        await DeleteAsync("Secret", "s");
        await Eventually.True(async () => await SecretAsync() is null, "the Secret to go");
    }

    [Fact]
    public async Task Object_that_cannot_be_read_keeps_its_last_good_version_and_keeps_nobody_out()
    {
        await PutAsync(Broker("b", retry: 1));
        await Eventually.True(() => RetryOf("b") == 1, "the Broker");
        await PutAsync(Of("eventing.knative.dev/v1", "Broker", "b", """{"spec":{"delivery":{"retry":"three"}}}"""));
        await PutAsync(Of("eventing.knative.dev/v1", "Broker", "never", """{"spec":{"delivery":{"retry":"three"}}}"""));
        await PutAsync(Broker("later", retry: 2));
        await Eventually.True(() => RetryOf("later") == 2, "the Broker that came later");
        Assert.Equal(1, RetryOf("b"));
        Assert.False(Store.Objects.Brokers.ContainsKey(Name("never")));
        await PutAsync(Broker("b", retry: 4));
        await PutAsync(Broker("never", retry: 4));
        await Eventually.True(() => RetryOf("b") == 4 && RetryOf("never") == 4, "the mended Brokers");
    }

    [Fact]
    public async Task Who_has_ended_his_watch_is_told_no_more()
    {
        var ended = 0;
        var going = 0;
        using var other = Store.Watch(() => Interlocked.Increment(ref going));
        var watch = Store.Watch(() => Interlocked.Increment(ref ended));
        await PutAsync(Broker("b", retry: 1));
        await Eventually.True(() => Volatile.Read(ref ended) > 0, "to be told");
        watch.Dispose();
        watch.Dispose();
        await Eventually.True(() => RetryOf("b") == 1, "the Broker");
        var (endedBefore, goingBefore) = (Volatile.Read(ref ended), Volatile.Read(ref going));
        await PutAsync(Broker("b", retry: 2));
        await Eventually.True(() => Volatile.Read(ref going) > goingBefore && RetryOf("b") == 2, "the other to be told");
        Assert.Equal(endedBefore, Volatile.Read(ref ended));
    }

    /// <summary>Name of an object of the test.</summary>
    protected ObjectName Name(string name) => new(Namespace, name);

    /// <summary>An object.</summary>
    protected JsonObject Of(string apiVersion, string kind, string name, string rest)
    {
        var manifest = new JsonObject
        {
            ["apiVersion"] = apiVersion,
            ["kind"] = kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace },
        };
        foreach (var (field, value) in JsonNode.Parse(rest)!.AsObject())
        {
            manifest[field] = value?.DeepClone();
        }

        return manifest;
    }

    private JsonObject Broker(string name, int retry) =>
        Of("eventing.knative.dev/v1", "Broker", name, $$$"""{"spec":{"delivery":{"retry":{{{retry}}} } } }""");

    private JsonObject Secret(string password) =>
        Of("v1", "Secret", "s", $$$"""{"data":{"password":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(password))}}}"}}""");

    private int? RetryOf(string broker) =>
        Store.Objects.Brokers.TryGetValue(Name(broker), out var found) ? found.Spec!.Delivery!.Retry : null;

    private async Task<string?> SecretAsync() =>
        await Store.GetSecretAsync(Name("s"), TestContext.Current.CancellationToken) is { } secret
            ? Encoding.UTF8.GetString(Convert.FromBase64String(secret.Data!["password"]))
            : null;
}
