using System.Text.Json.Nodes;
using Brokkr.Testing;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.EndToEnd.Tests.Cluster;

/// <summary>The installation as the manifests have it, applied to a real API server: control-plane §15, receiver-and-core §17, dispatcher §13.</summary>
public sealed class ManifestTests
{
    private const string System = "knative-eventing";

    [Fact]
    public async Task The_release_is_taken_by_the_server_whole_and_twice_and_its_pods_and_rights_are_as_they_should_be()
    {
        await using var api = await ApiServer.StartAsync();
        var kubectl = new Kubectl(api);
        using var folder = new TemporaryFolder();
        var release = folder.Write("release.yaml", await Kubectl.KustomizeAsync("control-plane/config/standalone"));

        // A field that the server does not know fails it, as does a namespace or definition that comes too late: then it is applied once more, as the guide says.
        await kubectl.RunAsync("create", "namespace", System);
        var first = await kubectl.RunAsync("apply", "--server-side", "--force-conflicts", "--validate=true", "-f", release);
        var again = await kubectl.RunAsync("apply", "--server-side", "--force-conflicts", "--validate=true", "-f", release);

        Assert.Equal(first.Split('\n').Length, again.Split('\n').Length);
        await PodsAreContainedAsync(kubectl);
        await ScrapeJobsFindThePodsAsync(kubectl);
        await NobodyMayMoreThanHeNeedsAsync(api);
    }

    [Theory]
    [InlineData("data-plane/config/tls", 2)]
    [InlineData("data-plane/config/dispatcher-hpa", 1)]
    [InlineData("data-plane/config/dispatcher-keda", 1)]
    public async Task Parts_that_are_optional_can_be_put_together(string folder, int objects)
    {
        var text = await Kubectl.KustomizeAsync(folder);

        Assert.Equal(objects, text.Split('\n').Count(line => line.StartsWith("kind: ", StringComparison.Ordinal)));
    }

    /// <summary>Not as root, nothing to write to, no capabilities, and probes that are answered.</summary>
    private static async Task PodsAreContainedAsync(Kubectl kubectl)
    {
        var workloads = JsonNode.Parse(await kubectl.RunAsync("get", "deployments,statefulsets", "-n", System, "-o", "json"))![
            "items"
        ]!.AsArray();
        Assert.Equal(
            ["kafka-broker-dispatcher", "kafka-broker-receiver", "kafka-controller", "kafka-sink-receiver"],
            workloads.Select(workload => (string)workload!["metadata"]!["name"]!).Order(StringComparer.Ordinal)
        );
        foreach (var workload in workloads)
        {
            var pod = workload!["spec"]!["template"]!["spec"]!;
            var container = Assert.Single(pod["containers"]!.AsArray())!;
            Assert.True((bool)pod["securityContext"]!["runAsNonRoot"]!);
            Assert.Equal("RuntimeDefault", (string?)pod["securityContext"]!["seccompProfile"]!["type"]);
            Assert.False((bool)container["securityContext"]!["allowPrivilegeEscalation"]!);
            Assert.True((bool)container["securityContext"]!["readOnlyRootFilesystem"]!);
            Assert.Equal("ALL", (string?)container["securityContext"]!["capabilities"]!["drop"]![0]);
            Assert.NotNull(container["livenessProbe"]!["httpGet"]);
            Assert.NotNull(container["readinessProbe"]!["httpGet"]);
            var ports = container["ports"]!.AsArray().Select(port => (string)port!["name"]!).ToList();
            Assert.Contains((string)container["readinessProbe"]!["httpGet"]!["port"]!, ports);
            await kubectl.RunAsync("get", "serviceaccount", (string)pod["serviceAccountName"]!, "-n", System);
        }
    }

    /// <summary>The scrape jobs of the original's documentation select pods by the label <c>app</c> and the name of a port.</summary>
    private static async Task ScrapeJobsFindThePodsAsync(Kubectl kubectl)
    {
        foreach (
            var workload in (string[])
                ["deployment/kafka-broker-receiver", "statefulset/kafka-broker-dispatcher", "deployment/kafka-sink-receiver"]
        )
        {
            var template = JsonNode.Parse(await kubectl.RunAsync("get", workload, "-n", System, "-o", "json"))!["spec"]!["template"]!;
            Assert.Equal(workload.Split('/')[1], (string?)template["metadata"]!["labels"]!["app"]);
            Assert.Contains(
                template["spec"]!["containers"]![0]!["ports"]!.AsArray(),
                port => (string)port!["name"]! == "http-metrics" && (int)port["containerPort"]! == 9090
            );
        }
    }

    private static async Task NobodyMayMoreThanHeNeedsAsync(ApiServer api)
    {
        var receiver = await AsAsync("knative-kafka-broker-data-plane");
        Assert.True(await receiver.MayAsync("watch", "secrets", "shop"));
        Assert.True(await receiver.MayAsync("watch", "configmaps", System));
        Assert.True(await receiver.MayAsync("patch", "pods/status", System));
        Assert.True(await receiver.MayAsync("create", "serviceaccounts/token", "shop"));
        Assert.False(await receiver.MayAsync("patch", "pods", System));
        Assert.False(await receiver.MayAsync("update", "configmaps", System));
        Assert.False(await receiver.MayAsync("watch", "configmaps", "shop"));

        var sink = await AsAsync("knative-kafka-sink-data-plane");
        Assert.True(await sink.MayAsync("get", "secrets", "shop"));
        Assert.False(await sink.MayAsync("create", "serviceaccounts/token", "shop"));

        var controller = await AsAsync("kafka-controller");
        Assert.True(await controller.MayAsync("patch", "triggers.eventing.knative.dev/status", "shop"));
        Assert.True(await controller.MayAsync("create", "configmaps", System));
        Assert.True(await controller.MayAsync("watch", "services", "shop"));
        Assert.True(await controller.MayAsync("patch", "statefulsets.apps/scale", System, "kafka-broker-dispatcher"));
        Assert.True(await controller.MayAsync("update", "secrets", System, "kafka-webhook-eventing-certs"));
        Assert.False(await controller.MayAsync("create", "configmaps", "shop"));
        Assert.False(await controller.MayAsync("create", "secrets", "shop"));
        Assert.False(await controller.MayAsync("delete", "triggers.eventing.knative.dev", "shop"));
        Assert.False(await controller.MayAsync("create", "pods", System));

        async Task<Kubectl> AsAsync(string serviceAccount) => new(api, await api.TokenAsync(System, serviceAccount));
    }
}
