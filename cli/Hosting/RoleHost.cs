using System.Net.Sockets;
using Brokkr.Cli.Logging;
using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>What a role gets from the process it runs in.</summary>
/// <param name="Environment">The environment variables; problems are collected in it.</param>
/// <param name="Loggers">Makes the loggers.</param>
/// <param name="Time">The clock.</param>
internal sealed record RoleContext(EnvironmentReader Environment, ILoggerFactory Loggers, TimeProvider Time);

/// <summary>Runs one role as the whole process: logging, signals, exit code.</summary>
internal static class RoleHost
{
    /// <summary>Where the logging ConfigMap is mounted, unless <c>LOGGING_CONFIG_FILE_PATH</c> says otherwise.</summary>
    private const string LoggingConfiguration = "/etc/logging/config.xml";

    /// <summary>When the start is over and its garbage can go.</summary>
    private static readonly TimeSpan StartupGarbageAge = TimeSpan.FromSeconds(5);

    /// <summary>Runs a role until it ends.</summary>
    /// <param name="role">Its name, for the log.</param>
    /// <param name="run">The role. It ends in good order when the token is cancelled, which SIGTERM and SIGINT do; a second signal ends the process at once.</param>
    /// <returns>The exit code: 0 after a good end, 1 if the role could not start or failed.</returns>
    public static async Task<int> RunAsync(string role, Func<RoleContext, CancellationToken, Task> run)
    {
        InlineSockets.Prefer();
        using var signals = new ShutdownSignals();
        var environment = new EnvironmentReader();
        using var levels = new LiveLogLevels(
            environment.Optional("LOGGING_CONFIG_FILE_PATH") ?? LoggingConfiguration,
            TimeProvider.System,
            out var problem
        );
        using var lines = new LineWriter(Console.OpenStandardOutput());
        using var loggers = new LoggerFactory([new JsonLoggerProvider(lines, TimeProvider.System)], levels);
        var logger = loggers.CreateLogger("Brokkr.Cli");
        levels.Follow(logger);
        if (problem is not null)
        {
            logger.LoggingConfigurationInvalid(problem);
        }

        try
        {
            logger.RoleStarting(role, ProgramVersion.Text);
            await using var trim = TimeProvider.System.CreateTimer(_ => TrimMemory(), null, StartupGarbageAge, Timeout.InfiniteTimeSpan);
            await run(new RoleContext(environment, loggers, TimeProvider.System), signals.Stopping);
            logger.RoleEnded(role);
            return 0;
        }
        catch (OperationCanceledException) when (signals.Stopping.IsCancellationRequested)
        {
            logger.RoleEnded(role);
            return 0;
        }
        catch (ConfigurationException e)
        {
            foreach (var configurationProblem in e.Problems)
            {
                logger.ConfigurationInvalid(configurationProblem);
                await Console.Error.WriteLineAsync($"brokkr {role}: {configurationProblem}");
            }

            return 1;
        }
        catch (IOException e) when (e.InnerException is SocketException or Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            logger.ConfigurationInvalid(e.Message);
            await Console.Error.WriteLineAsync($"brokkr {role}: {e.Message}");
            return 1;
        }
        catch (Exception e)
        {
            logger.RoleFailed(e, role);
            await Console.Error.WriteLineAsync($"brokkr {role}: {e.Message}");
            return 1;
        }
    }

    /// <summary>
    /// Gives back what only the start needed. A role that then has little to do would never collect by itself, and keep some megabytes for good.
    /// </summary>
    private static void TrimMemory() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
