using System.CommandLine;
using System.Net;
using Brokkr.Cli.Hosting;
using Brokkr.Controller.Admission;
using Brokkr.Controller.Kubernetes;
using Brokkr.Controller.Reconcilers;
using Brokkr.Controller.Stores;
using Brokkr.Core.Configuration;
using Brokkr.Kafka;
using Microsoft.AspNetCore.Http;

namespace Brokkr.Cli.Controller;

/// <summary><c>brokkr controller</c>: the control plane of a Kubernetes installation, set up by environment variables (control-plane §1).</summary>
internal static class ControllerCommand
{
    public static Command Create()
    {
        var command = new Command(
            "controller",
            "Makes Brokers, Triggers and KafkaSinks of a Kubernetes cluster what they should be. Set up by the environment variables of the original."
        );
        command.SetAction((_, _) => RoleHost.RunAsync("controller", RunAsync));
        return command;
    }

    /// <summary>The role; ends in good order when the token is cancelled.</summary>
    public static async Task RunAsync(RoleContext role, CancellationToken stopping)
    {
        var environment = ControllerEnvironment.Read(role.Environment);
        role.Environment.ThrowIfInvalid();
        var isReady = false;
        await using var health = await SmallHttpServer.StartAsync(
            IPAddress.Any,
            environment.HealthPort,
            role.Loggers,
            context =>
                AnswerAsync(context, Volatile.Read(ref isReady) && !stopping.IsCancellationRequested, stopping.IsCancellationRequested),
            stopping
        );
        try
        {
            using var connection = await ClusterConnection.ConnectAsync(environment.Cluster, role.Time, role.Loggers, stopping);
            var election = await LeaderElectionOptions.ReadAsync(connection, environment.LeaderElectionConfigMap, stopping);
            await using var store = new ClusterStore(connection, role.Loggers);
            await store.StartAsync(stopping);
            // Every replica serves it, not the leader alone.
            await using var webhook = environment.Webhook is { } options
                ? await WebhookHost.StartAsync(options, store, role.Loggers, role.Time, stopping)
                : null;
            using var draining = stopping.Register(() => webhook?.Drain());
            Volatile.Write(ref isReady, true);
            using var logs = new KafkaLogProvider(new KafkaOptions(), new StoreSecretSource(store), role.Loggers);
            await new LeaderElection(connection, election, role.Loggers).RunAsync(
                async term =>
                {
                    // What was found out before may have become wrong while somebody else led.
                    using var control = new ClusterControlPlane(store, environment.ControlPlane, logs, role.Time, role.Loggers);
                    await control.RunAsync(term);
                },
                stopping
            );
        }
        catch (StoreException exception) when (!stopping.IsCancellationRequested)
        {
            throw new ConfigurationException([exception.Message]);
        }
    }

    /// <summary>Ready once the objects are known, also while somebody else leads; not healthy only when it ends (control-plane §1.3).</summary>
    private static Task AnswerAsync(HttpContext context, bool isReady, bool isEnding)
    {
        context.Response.StatusCode = context.Request.Path.Value switch
        {
            "/health" => isEnding ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK,
            "/readiness" => isReady ? StatusCodes.Status200OK : StatusCodes.Status500InternalServerError,
            _ => StatusCodes.Status404NotFound,
        };
        return Task.CompletedTask;
    }
}
