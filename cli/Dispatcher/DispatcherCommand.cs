using System.CommandLine;
using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;
using Brokkr.Core.Tokens;
using Brokkr.Dispatcher;
using Brokkr.Dispatcher.Tokens;
using Brokkr.Kafka;
using Brokkr.Kubernetes.Api;
using Brokkr.Kubernetes.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dispatcher;

/// <summary><c>brokkr dispatcher</c>: the egress of a Kubernetes installation, set up by environment variables and mounted files (dispatcher §1).</summary>
internal static class DispatcherCommand
{
    public static Command Create()
    {
        var command = new Command(
            "dispatcher",
            "Delivers the records of Kafka topics over HTTP to the subscribers of Triggers. Set up by the environment variables and mounted files of the original."
        );
        command.SetAction((_, _) => RoleHost.RunAsync("dispatcher", RunAsync));
        return command;
    }

    /// <summary>The role; ends in good order when the token is cancelled.</summary>
    public static async Task RunAsync(RoleContext role, CancellationToken stopping)
    {
        var environment = DispatcherEnvironment.Read(role.Environment);
        role.Environment.ThrowIfInvalid();
        var logger = role.Loggers.CreateLogger("Brokkr.Cli.Dispatcher");
        var consumer = JavaProperties.Load(environment.ConsumerPropertiesPath, logger);
        var producer = JavaProperties.Load(environment.Common.ProducerPropertiesPath, logger);
        var webClient = JavaProperties.Load(environment.WebClientPropertiesPath, logger);
        using var api = environment.Common.ApiServer is { } server ? new ApiConnection(server, role.Time) : null;
        await using var secrets = new RoleSecrets(role, api);
        var options = WebClientProperties.Apply(webClient, environment.ToOptions(consumer), logger) with
        {
            CorrelationKeys = secrets.KeysOf(environment.Common.ServiceNamespace, logger),
        };

        using var start = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        start.CancelAfter(environment.Common.StartupBudget);
        await using var telemetry = await RoleTelemetry.StartAsync(environment.Common, role, start.Token);
        using var logs = new KafkaLogProvider(
            new KafkaOptions
            {
                ConsumerProperties = consumer,
                ProducerProperties = producer,
                OwnershipGroup = $"brokkr-dispatcher.{environment.Common.ServiceNamespace}.{environment.Common.ServiceName}",
            },
            secrets.Source,
            role.Loggers
        );
        await using var contract = new RoleContract(environment.Common, role, api);
        ITokenSource? tokens =
            environment.TokensPath is { } folder ? new FileTokenSource(folder, role.Time)
            : api is not null ? new KubernetesTokenSource(api, role.Time)
            : null;
        await using var dispatcher = new DispatcherHost(
            options,
            contract.Source,
            logs,
            role.Time,
            role.Loggers,
            telemetry.EventTypes,
            telemetry.Series,
            tokens: tokens
        );
        dispatcher.Start();
        contract.Start();
        string? WhyNotReady() =>
            stopping.IsCancellationRequested ? "stopping"
            : contract.Source.Current is null ? "no contract has been read yet"
            : null;
        await using var probes = environment.ProbePort is { } port
            ? await ProbeEndpoint.StartAsync(port, WhyNotReady, role.Loggers, start.Token)
            : null;
        using (new HealthyFile(logger))
        {
            await stopping.WhenCancelledAsync();
        }

        await dispatcher.StopAsync();
    }
}
