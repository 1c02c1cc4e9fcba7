using System.Text;
using Microsoft.Extensions.Logging;

namespace Brokkr.Core.Configuration;

/// <summary>Reads a ConfigMap that is mounted as a folder: one file per key, values trimmed (receiver-and-core §14.1).</summary>
public static class ConfigurationFolder
{
    /// <summary>Reads the files of a folder. A folder that does not exist is logged and taken as empty. Dot files, and so the kubelet's own, are skipped.</summary>
    public static IReadOnlyDictionary<string, string> Load(string folder, ILogger logger)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var file in Directory.EnumerateFiles(folder))
            {
                var key = Path.GetFileName(file);
                if (!key.StartsWith('.'))
                {
                    values[key] = File.ReadAllText(file, Encoding.UTF8).Trim();
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            logger.ConfigurationFolderUnreadable(folder, e.Message);
        }

        return values;
    }
}
