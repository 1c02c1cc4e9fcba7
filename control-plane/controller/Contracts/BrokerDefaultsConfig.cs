using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;
using Brokkr.Controller.Folders;

namespace Brokkr.Controller.Contracts;

/// <summary>Reads the ConfigMap <c>config-br-defaults</c> (ADM-15).</summary>
internal static class BrokerDefaultsConfig
{
    /// <summary>Name of the ConfigMap.</summary>
    public const string ConfigMapName = "config-br-defaults";

    /// <summary>The key that matters.</summary>
    public const string DataKey = "default-br-config";

    /// <summary>Reads the data of the ConfigMap.</summary>
    /// <returns>Null for both where it says nothing; else the defaults, or what is wrong with them.</returns>
    public static (BrokerDefaults? Defaults, string? Error) Read(IReadOnlyDictionary<string, string>? data)
    {
        if (data?.GetValueOrDefault(DataKey) is not { } text)
        {
            return (null, null);
        }

        try
        {
            var json = YamlReader.Read(text).FirstOrDefault()?.Json as JsonObject ?? [];
            var problems = ShapeCheck.Check(json, ApisJson.Default.BrokerDefaults);
            return problems.FirstOrDefault(problem => !problem.IsWarning) is { } error
                ? (null, error.ToString())
                : (json.Deserialize(ApisJson.Default.BrokerDefaults), null);
        }
        catch (YamlFileException exception)
        {
            return (null, exception.Message);
        }
    }
}
