using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Kafka.Security;
using Brokkr.Testing.Kubernetes;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Roles;

/// <summary>Receiver and dispatcher as the original's manifests run them, with Secrets from the API server (receiver-and-core §10, dispatcher §13).</summary>
[Collection<SecuredKafkaTests>]
public sealed class ApiServerSecretTests(SecureKafka kafka)
{
    [Fact]
    public async Task A_password_changes_in_the_API_server_and_nothing_is_lost_while_a_forbidden_Secret_waits_for_its_right()
    {
        var api = await ApiServer.SharedAsync();
        using var account = new TemporaryFolder();
        var @namespace = await api.CreateNamespaceAsync();
        var locked = await api.CreateNamespaceAsync();
        await api.CreateServiceAccountAsync(@namespace, "plane");
        await api.AllowAsync(@namespace, "plane", "secrets", "get", "list", "watch");
        await api.WriteAccountAsync(account, @namespace, "plane");
        var login = kafka.Entries("SASL", "PLAIN").ToArray();
        await api.PutSecretAsync(@namespace, "login", login);
        await api.PutSecretAsync(locked, "login", login);

        await using var subscriber = await Subscriber.StartAsync();
        await using var plane = new DataPlane("auto.offset.reset=earliest\n")
        {
            Variables = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["SECRETS_PATH"] = "",
                ["KUBERNETES_SERVICE_HOST"] = api.Host,
                ["KUBERNETES_SERVICE_PORT"] = api.Port,
                ["SERVICE_ACCOUNT_PATH"] = account.Path,
            },
        };
        var run = Guid.NewGuid().ToString("n")[..8];
        (string Name, string Namespace)[] brokers = [("open", @namespace), ("locked", locked)];
        foreach (var (name, _) in brokers)
        {
            await kafka.Cluster.CreateTopicAsync($"{name}-{run}", partitions: 2);
        }

        var contract = ContractText.Of(
            1,
            brokers.Select(broker =>
                ContractText.Broker(
                    broker.Name,
                    $"{broker.Name}-{run}",
                    kafka.Servers("SASL"),
                    [ContractText.Trigger($"{broker.Name}-{run}", $"{subscriber.Url}/{broker.Name}")],
                    $$"""
                    ,"authSecret":{"uuid":"u","namespace":"{{broker.Namespace}}","name":"login","version":"1"}
                    """
                )
            )
        );
        plane.Contract("receiver").Put(("data", contract));
        plane.Contract("dispatcher").Put(("data", contract));
        var dispatcher = plane.StartDispatcher("dispatcher");
        var receiver = await plane.StartReceiverAsync("receiver", "/shop/open");
        using var sender = new Sender(plane.Url("/shop/open"));
        using var stop = new CancellationTokenSource();
        var load = sender.LoadAsync(connections: 1, stop.Token);
        await subscriber.CountAsync(100, at: "/open");
        foreach (var role in (ChildProcess[])[receiver, dispatcher])
        {
            await role.LineAsync(
                $"Secret {locked}/login cannot be read: .*403.*cannot get resource .*secrets.*grant get, list and watch on secrets"
            );
        }

        await api.PutSecretAsync(
            @namespace,
            "login",
            login.Select(entry =>
                entry.Key == "user" ? ("user", "bob")
                : entry.Key == "password" ? ("password", "other")
                : entry
            )
        );
        foreach (var role in (ChildProcess[])[receiver, dispatcher])
        {
            await role.LineAsync($"Secret {@namespace}/login for Kafka at .* have changed: going over");
        }

        await sender.AcknowledgedAsync(100);
        await stop.CancelAsync();
        await load;
        Assert.Equal(0, sender.Refused);
        await Ledger.NothingIsLostAsync(sender, subscriber, "/open");

        // The right comes with another service account.
        await api.CreateServiceAccountAsync(locked, "plane");
        await api.AllowAsync(locked, "plane", "secrets", "get", "list", "watch");
        await api.WriteAccountAsync(account, locked, "plane");
        await Ingress.ServedAsync(plane.Url("/shop/locked"), receiver);
        using var late = new Sender(plane.Url("/shop/locked"));
        await late.MustSendAsync("late");
        await subscriber.CountAsync(1, at: "/locked");
    }
}
