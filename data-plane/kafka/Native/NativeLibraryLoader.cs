using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Brokkr.Kafka.Native;

/// <summary>
/// Finds librdkafka. The package ships builds for several C libraries; the plain one wants libsasl2 on the machine, the others do without, so they
/// are tried in that order.
/// </summary>
internal static class NativeLibraryLoader
{
    private static readonly string[] Candidates = ["librdkafka", "centos8-librdkafka", "alpine-librdkafka"];

#pragma warning disable CA2255 // The resolver must be in place before the first call into the library, wherever that is.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Register() => RegisterFor(typeof(NativeLibraryLoader).Assembly);

    /// <summary>Lets another assembly call the same library; once for each assembly.</summary>
    internal static void RegisterFor(Assembly assembly) => NativeLibrary.SetDllImportResolver(assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (!string.Equals(name, "librdkafka", StringComparison.Ordinal))
        {
            return 0;
        }

        foreach (var candidate in Candidates)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
