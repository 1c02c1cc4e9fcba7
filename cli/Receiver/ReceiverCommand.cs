using System.CommandLine;
using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;
using Brokkr.Kafka;
using Brokkr.Kubernetes.Api;
using Brokkr.Receiver;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Receiver;

/// <summary><c>brokkr receiver</c>: the ingress of a Kubernetes installation, set up by environment variables and mounted files (receiver-and-core §2).</summary>
internal static class ReceiverCommand
{
    public static Command Create()
    {
        var command = new Command(
            "receiver",
            "Takes events over HTTP for Brokers, KafkaSinks and KafkaChannels and appends them to Kafka. Set up by the environment variables and mounted files of the original."
        );
        command.SetAction((_, _) => RoleHost.RunAsync("receiver", RunAsync));
        return command;
    }

    /// <summary>The role; ends in good order when the token is cancelled.</summary>
    public static async Task RunAsync(RoleContext role, CancellationToken stopping)
    {
        var environment = ReceiverEnvironment.Read(role.Environment);
        role.Environment.ThrowIfInvalid();
        var logger = role.Loggers.CreateLogger("Brokkr.Cli.Receiver");
        var producer = JavaProperties.Load(environment.Common.ProducerPropertiesPath, logger);
        var server = JavaProperties.Load(environment.HttpServerPropertiesPath, logger);
        var features = environment.FeaturesPath is { } path
            ? ConfigurationFolder.Load(path, logger)
            : new Dictionary<string, string>(StringComparer.Ordinal);
        var options = HttpServerProperties.Apply(server, environment.ToOptions(producer, features), logger);

        using var start = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        start.CancelAfter(environment.Common.StartupBudget);
        await using var telemetry = await RoleTelemetry.StartAsync(environment.Common, role, start.Token);
        using var api = environment.Common.ApiServer is { } reached ? new ApiConnection(reached, role.Time) : null;
        await using var secrets = new RoleSecrets(role, api);
        using var logs = new KafkaLogProvider(new KafkaOptions { ProducerProperties = producer }, secrets.Source, role.Loggers);
        await using var contract = new RoleContract(environment.Common, role, api);
        await using var receiver = await ReceiverHost.StartAsync(
            options,
            contract.Source,
            logs,
            role.Loggers,
            telemetry.Series,
            telemetry.EventTypes,
            role.Time,
            cancellation: start.Token
        );
        contract.Start(receiver.InForceAsync);
        await stopping.WhenCancelledAsync();
        await receiver.StopAsync(CancellationToken.None);
    }
}
