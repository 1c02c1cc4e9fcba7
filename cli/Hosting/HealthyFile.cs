using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>The file by which Kubernetes sees that a dispatcher is up (dispatcher §12). It goes when the role stops, so that readiness tells the truth.</summary>
internal sealed class HealthyFile : IDisposable
{
    /// <summary>The path that the original's manifests probe.</summary>
    public const string DefaultPath = "/tmp/healthy";

    private readonly string _path;

    /// <summary>Creates the file. Failure is logged: it must not keep the role from serving.</summary>
    public HealthyFile(ILogger logger, string path = DefaultPath)
    {
        _path = path;
        try
        {
            File.WriteAllBytes(path, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.HealthyFileFailed(path, e.Message);
        }
    }

    public void Dispose()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ends; who probes it sees that anyway.
            _ = e;
        }
    }
}
