using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka;
using Brokkr.Testing.Kubernetes;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>Receiver and dispatcher that have their contract from ConfigMaps of a real API server, which goes away in between.</summary>
public sealed class ApiServerContractTests
{
    private const string Label = "kafka.eventing.knative.dev/contract";

    [Fact]
    public async Task ConfigMaps_come_change_and_go_while_the_API_server_is_restarted_and_the_Pods_say_what_is_in_force()
    {
        var kafka = await KafkaCluster.SharedAsync();
        await using var api = await ApiServer.StartAsync();
        using var account = new TemporaryFolder();
        var @namespace = await api.CreateNamespaceAsync();
        await api.CreateServiceAccountAsync(@namespace, "plane");
        await api.AllowAsync(@namespace, "plane", "configmaps", "list", "watch");
        await api.AllowAsync(@namespace, "plane", "pods/status", "patch");
        await api.WriteAccountAsync(account, @namespace, "plane");
        string[] pods = ["receiver-0", "dispatcher-0"];
        foreach (var pod in pods)
        {
            await api.CreateAsync(
                $"/api/v1/namespaces/{@namespace}/pods",
                $$$"""{"metadata":{"name":"{{{pod}}}"},"spec":{"containers":[{"name":"c","image":"i"}]}}"""
            );
        }

        var run = Guid.NewGuid().ToString("n")[..8];
        await kafka.CreateTopicAsync($"one-{run}");
        await kafka.CreateTopicAsync($"two-{run}");
        await using var subscriber = await Subscriber.StartAsync();
        await using var receiving = Plane("receiver-0");
        await using var dispatching = Plane("dispatcher-0");
        dispatching.StartDispatcher("dispatcher");
        var receiver = receiving.StartReceiver("receiver");
        await PutAsync("one", "/one");
        await Ingress.ServedAsync(receiving.Url("/shop/one"), receiver);
        await InForceAsync(await PutAsync("two", "/two"));
        foreach (var name in (string[])["one", "two"])
        {
            using var sender = new Sender(receiving.Url("/shop/" + name));
            await sender.MustSendAsync(name);
            await subscriber.CountAsync(1, at: "/" + name);
        }

        // What happens without the API server goes on as before; what happened meanwhile is caught up with.
        using var one = new Sender(receiving.Url("/shop/one"));
        await api.StopAsync();
        await one.MustSendAsync("meanwhile");
        await api.CompactAsync();
        await api.RestartAsync();
        await subscriber.CountAsync(2, at: "/one");
        await InForceAsync(await PutAsync("one", "/elsewhere"));
        await one.MustSendAsync("changed");
        await subscriber.CountAsync(1, at: "/elsewhere");

        await api.DeleteAsync($"/api/v1/namespaces/{@namespace}/configmaps/contract-two");
        using var two = new Sender(receiving.Url("/shop/two"));
        await Eventually.True(async () => await two.SendAsync("gone") == HttpStatusCode.NotFound, "a deleted Broker is not found");

        DataPlane Plane(string pod) =>
            new("auto.offset.reset=earliest\n")
            {
                Variables = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["DATA_PLANE_CONFIG_FILE_PATH"] = "",
                    ["CONTRACT_LABEL_SELECTOR"] = $"{Label} in (broker,trust-bundles)",
                    ["POD_NAME"] = pod,
                    ["KUBERNETES_SERVICE_HOST"] = api.Host,
                    ["KUBERNETES_SERVICE_PORT"] = api.Port,
                    ["SERVICE_ACCOUNT_PATH"] = account.Path,
                },
            };

        async Task<ulong> PutAsync(string name, string path)
        {
            var topic = $"{name}-{run}";
            var contract = ContractText.Of(
                1,
                ContractText.Broker(name, topic, kafka.BootstrapServers, [ContractText.Trigger(topic, subscriber.Url + path)])
            );
            var stored = await api.PutConfigMapAsync(
                @namespace,
                $"contract-{name}",
                "data",
                Encoding.UTF8.GetBytes(contract),
                (Label, "broker")
            );
            return ulong.Parse((string)stored["metadata"]!["resourceVersion"]!, System.Globalization.CultureInfo.InvariantCulture);
        }

        async Task InForceAsync(ulong version)
        {
            foreach (var pod in pods)
            {
                await Eventually.True(
                    async () => await ReportedAsync(pod) >= version,
                    $"{pod} reports {version}",
                    TimeSpan.FromSeconds(60)
                );
            }
        }

        async Task<ulong> ReportedAsync(string pod)
        {
            using var answer = await api.SendAsync(HttpMethod.Get, $"/api/v1/namespaces/{@namespace}/pods/{pod}");
            var status = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["status"];
            var condition = status
                ?["conditions"]?.AsArray()
                .FirstOrDefault(static condition => (string?)condition!["type"] == "kafka.eventing.knative.dev/ContractApplied");
            return condition is null ? 0 : ulong.Parse((string)condition["message"]!, System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
